from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from gateway.http.problems import Problem
from gateway.plugin import Limits, PluginContext
from plugins.quota import Quota, period
from tests.plugins.exchanges import exchange, made


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "per", "begin", "end"),
    [
        ("2026-02-28T23:59:59.9", "day", "2026-02-28", "2026-03-01"),
        ("2026-03-01T00:00:00", "day", "2026-03-01", "2026-03-02"),
        ("2026-02-01T00:00:00", "month", "2026-02-01", "2026-03-01"),
        ("2028-02-29T12:00:00", "month", "2028-02-01", "2028-03-01"),
        ("2026-12-31T23:59:59", "month", "2026-12-01", "2027-01-01"),
    ],
)
def test_periods_are_the_calendars_in_utc(now: str, per: str, begin: str, end: str) -> None:
    assert period(at(now), per) == (at(begin), at(end))


def test_a_new_period_has_a_new_quota() -> None:
    now = [at("2026-02-28T23:59:00")]
    limits = Limits(None, lambda: now[0], lambda: now[0])
    limits._offset = 0.0
    plugin = made(Quota, PluginContext(lambda: now[0], limits=limits), limit=2, per="day", by="address")
    for _ in range(2):
        plugin.on_request(exchange())
    sent = exchange()
    with pytest.raises(Problem) as caught:
        plugin.on_request(sent)
    assert (b"Retry-After", b"60") in caught.value.headers
    assert (b"RateLimit", b'"quota-day";r=0;t=60') in sent.added_response_headers
    now[0] += 60
    plugin.on_request(exchange())


def test_it_says_what_it_does() -> None:
    assert made(Quota, limit=5, per="month").summary() == "Quota (5 per month by client)"


@pytest.mark.parametrize(
    "config", [{}, {"limit": 5}, {"limit": 5, "per": "week"}, {"limit": 0, "per": "day"}]
)
def test_what_is_no_quota_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(Quota, **config)
