import pytest

from gateway.config.tiers import Rate
from gateway.http.problems import Problem
from gateway.limits import LimitPart, Limits, Window, admit, rate_parts
from tests.plugins.exchanges import exchange


class Hand:
    """A clock that the test moves."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def headers(*parts: LimitPart, limits: Limits, refused: bool = False) -> list[tuple[str, str]]:
    """What the caller is told."""
    sent = exchange()
    if refused:
        with pytest.raises(Problem) as caught:
            admit(limits, parts, "a", sent)
        told = sent.added_response_headers + caught.value.headers
        assert (caught.value.kind.code, caught.value.kind.status) == ("900800", 429)
    else:
        admit(limits, parts, "a", sent)
        told = sent.added_response_headers
    return [(name.decode(), value.decode()) for name, value in told]


def test_the_headers_say_what_is_allowed_what_is_left_and_when_there_is_more() -> None:
    clock = Hand()
    limits = Limits(None, clock, clock)
    (part,) = rate_parts("x", Rate(limit=2, per=60), "client")
    assert headers(part, limits=limits)[0] == ("RateLimit-Policy", '"client";q=2;w=60')
    assert headers(part, limits=limits)[1][0] == "RateLimit"
    clock.now += 40
    told = dict(headers(part, limits=limits, refused=True))
    assert told["RateLimit"] == '"client";r=0;t=21'
    assert told["Retry-After"] == "21"
    clock.now += 21
    headers(part, limits=limits)


def test_a_burst_is_a_policy_of_its_own_and_what_it_refuses_is_not_counted() -> None:
    clock = Hand()
    limits = Limits(None, clock, clock)
    parts = rate_parts("x", Rate(limit=60, per=60, burst=2), "api")
    for _ in range(2):
        told = headers(*parts, limits=limits)
    assert [value for name, value in told if name == "RateLimit-Policy"] == [
        '"api-burst";q=2;w=2',
        '"api";q=60;w=60',
    ]
    for _ in range(50):
        headers(*parts, limits=limits, refused=True)
    admitted = 2
    for _ in range(28):
        clock.now += 2.05
        for _ in range(2):
            headers(*parts, limits=limits)
            admitted += 1
    assert admitted == 58


def test_what_the_second_window_refuses_is_given_back_to_the_first() -> None:
    clock = Hand()
    limits = Limits(None, clock, clock)
    first, second = LimitPart.made("1", Window(5, 60.0), "a"), LimitPart.made("2", Window(1, 60.0), "b")
    headers(first, second, limits=limits)
    for _ in range(20):
        headers(first, second, limits=limits, refused=True)
    for _ in range(4):
        headers(first, limits=limits)
    headers(first, limits=limits, refused=True)


def test_a_fixed_period_ends_when_it_ends() -> None:
    clock = Hand()
    part = LimitPart.made("q", Window(1, 86400.0, slots=1), "day", ends=clock.now + 99.5)
    limits = Limits(None, clock, clock)
    assert dict(headers(part, limits=limits))["RateLimit"].endswith(";t=100")


def test_a_request_within_the_lease_asks_the_clock_once_and_schedules_nothing_anew() -> None:
    clock = Hand()
    ticks = []

    def tick() -> float:
        ticks.append(clock.now)
        return clock.now

    limits = Limits(None, clock, tick)
    (part,) = rate_parts("x", Rate(limit=1000, per=60), "client")
    bucket = limits.find(part.name, "a", part.window)
    bucket.lease = bucket.peak = 1000
    admit(limits, (part,), "a", exchange())
    scheduled = dict(limits._lease_table._due)
    ticks.clear()
    for _ in range(100):
        clock.now += 0.0001
        admit(limits, (part,), "a", exchange())
    assert len(ticks) == 100
    assert limits._lease_table._due == scheduled
    assert bucket.lease == 1000 - 101
