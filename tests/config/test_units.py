import math

import pytest

from gateway.config.units import parse_duration, parse_size
from tests.config.example import problems, settings


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90), (0.5, 0.5), ("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600), ("7d", 604800),
        ("1.5h", 5400), ("250ms", 0.25), (0, 0), ("0.3s", 0.3),
    ],
)  # fmt: skip
def test_durations_become_seconds(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [-1, "-1s", "", "s", "1 h", "1w", "1H", "h1", True, None, [], {}, math.nan, "1e3", "٣s", "9" * 50],
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["3661d", 10**400, 1e300, math.inf])
def test_an_absurd_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="at most 3660d"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "size"),
    [(1, 1), ("512", 512), ("512k", 524288), ("10m", 10485760), ("1g", 1073741824), ("2K", 2048)],
)
def test_sizes_become_bytes_in_powers_of_1024(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize(
    "written", ["10mb", "1.5m", "m", "", "-1", True, 1.0, None, [], 0, "0k", -5, "2000g", 10**30]
)
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_size(written)


def test_lifetimes_are_whole_seconds_and_timeouts_need_not_be() -> None:
    found = settings("{tokens: {lifetime: 1.5h, renew_before: 0}, store: {timeout: 1500ms}}")
    assert (found.tokens.lifetime, type(found.tokens.lifetime)) == (5400, int)
    assert found.tokens.renew_before == 0
    assert found.store.timeout == 1.5


def test_a_lifetime_with_a_fraction_or_of_nothing_is_refused() -> None:
    assert problems("tokens:\n  lifetime: 1.5s\n  max_lifetime: 0\n") == [
        "2:13: tokens.lifetime: must be whole seconds, at least 1",
        "3:17: tokens.max_lifetime: must be whole seconds, at least 1",
    ]


def test_a_timeout_of_nothing_is_refused_but_for_draining() -> None:
    assert problems("server: {timeouts: {drain: 0, idle: 0}}") == [
        "1:37: server.timeouts.idle: must be at least 1ms"
    ]
