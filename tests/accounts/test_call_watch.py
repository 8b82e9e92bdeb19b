"""When limits and errors are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.accounts.call_watch import CallKind, ErrorRule, RouteErrors, failed, spent_name
from gateway.accounts.limits_left import LimitLeft

NOW = 1_800_000_000.5
SLIDING = LimitLeft("/orders", ("GET",), "client", 10, 60, 0, None)


@pytest.mark.parametrize(
    ("slots", "found"),
    [
        ([(9, 0, 0, 11)], (20, 11)),
        ([(10, 0, 0, 10)], None),
        ([(0, 0, 0, 19)], None),
        ([(0, 0, 0, 99), (20, 0, 0, 0), (0, 0, 0, 0)], None),
        ([(9, 0, 0, 0), (0, 0, 0, 11)], (20, 11)),
        ([], None),
    ],
)
def test_many_errors_are_more_than_a_share_of_enough_calls_in_a_time(
    slots: list[tuple[int, ...]], found: tuple[int, int] | None
) -> None:
    assert ErrorRule(0.5, 2, 20).broken(slots) == found


def test_only_answers_of_5xx_are_errors() -> None:
    assert failed([CallKind("/a", 200, ""), CallKind("/a", 503, "")])
    assert not failed([CallKind("/a", 499, ""), CallKind("/a", 429, "900800")])


def test_a_route_has_many_errors_whoever_calls_it() -> None:
    routes = RouteErrors(ErrorRule(0.5, 2, 4))
    routes.add(
        {CallKind("/a", 502, "101503"): 2, CallKind("/a", 200, ""): 1, CallKind("/b", 502, ""): 3}, NOW
    )
    assert routes.broken(NOW) == {}, "too few"
    routes.add({CallKind("/a", 503, ""): 1}, NOW + 60)
    assert routes.broken(NOW + 60) == {"/a": (4, 3)}
    routes.add({CallKind("/a", 200, ""): 9}, NOW + 60)
    assert routes.broken(NOW + 60) == {}
    routes.add({CallKind("/a", 503, ""): 4}, NOW + 240)
    assert routes.broken(NOW + 240) == {"/a": (4, 4)}, "what is older does not count"
    assert routes.broken(NOW + 600) == {}


def test_a_limit_is_told_once_in_its_window() -> None:
    assert spent_name("c1", SLIDING, NOW)[1] == 3600, "at most once an hour"
    assert spent_name("c1", replace(SLIDING, seconds=86_400), NOW)[1] == 86_400
    today = replace(SLIDING, ends=int(NOW) + 100)
    tomorrow = replace(SLIDING, ends=int(NOW) + 86_500)
    assert spent_name("c1", today, NOW)[1] > 100
    names = {spent_name(client, one, NOW)[0] for client in ("c1", "c2") for one in (SLIDING, today, tomorrow)}
    assert len(names) == 6
