"""Counts of calls, by REST."""

from __future__ import annotations

import time

from tests.portal.api.program import Program
from tests.portal.api.test_keys import made
from tests.portal.reader import call

PATIENCE = 30


def test_calls_are_counted_by_day_keys_route_status_and_reason(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/call-counts"
    assert (empty := program.ask("GET", there)[1])["list"] == []
    assert empty["pagination"]["total"] == 0
    assert call(program.base, "/orders/7", bearer=keys["token"]["accessToken"])[0] == 403
    deadline = time.monotonic() + PATIENCE
    while not (found := program.ask("GET", f"{there}?keyType=PRODUCTION&days=2")[1]["list"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (one,) = found
    assert one.pop("date") in {time.strftime("%Y-%m-%d", time.gmtime(time.time() - ago)) for ago in (0, 60)}
    assert one == {
        "keyMappingId": keys["keyMappingId"],
        "keyType": "PRODUCTION",
        "route": "/orders",
        "status": 403,
        "code": "900910",
        "reason": "900910 Not allowed",
        "calls": 1,
    }
    assert program.ask("GET", f"{there}?keyType=SANDBOX")[1]["count"] == 0


def test_what_is_wrong_is_refused(program: Program) -> None:
    path, _ = made(program)
    assert program.ask("GET", f"{path}/call-counts?keyType=ALL")[0] == 400
    assert program.ask("GET", f"{path}/call-counts?days=32")[0] == 400
    assert program.ask("GET", f"/applications/{'x' * 20}/call-counts")[0] == 404
