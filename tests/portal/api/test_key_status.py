"""How keys stand, by REST."""

from __future__ import annotations

import time

from tests.portal.api.program import Program
from tests.portal.api.test_keys import FORM, made
from tests.portal.reader import call

PATIENCE = 30


def test_last_uses_are_told_by_time_address_and_library(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}/status"
    limit = {"name": "client", "route": "/limited", "methods": [], "limit": 3, "seconds": 3600, "left": 3}
    fresh = {"lastCall": None, "lastToken": None, "limits": [limit | {"ends": None}]}
    assert program.ask("GET", there) == (200, fresh)
    credentials = f"{keys['consumerKey']}:{keys['consumerSecret']}"
    # Another lifetime than that of the first token, which would be given out again.
    form = {**FORM, "validity_period": "60"}
    assert call(program.base, "/token", form, basic=credentials, agent="okhttp/4.12.0")[0] == 200
    deadline = time.monotonic() + PATIENCE
    while (used := program.ask("GET", there)[1]["lastToken"]) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (used["address"], used["library"]) == ("127.0.0.1", "okhttp/4.12.0")
    assert abs(used["time"] - time.time()) < PATIENCE


def test_the_last_calls_are_listed(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}/calls"
    assert (empty := program.ask("GET", there)[1])["list"] == []
    assert empty["pagination"]["total"] == 0
    assert call(program.base, "/orders/7", bearer=keys["token"]["accessToken"])[0] == 403
    deadline = time.monotonic() + PATIENCE
    while not (found := program.ask("GET", there)[1]["list"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (one,) = found
    assert (one["method"], one["route"], one["status"]) == ("GET", "/orders", 403)
    assert (one["code"], one["reason"]) == ("900910", "900910 Not allowed")
    assert one["seconds"] < PATIENCE


def test_keys_of_others_have_no_status(program: Program) -> None:
    path, _ = made(program)
    assert program.ask("GET", f"{path}/oauth-keys/{'x' * 20}/status")[0] == 404
    assert program.ask("GET", f"{path}/oauth-keys/{'x' * 20}/calls")[0] == 404
    assert program.ask("GET", f"/applications/{'x' * 20}/oauth-keys/{'x' * 20}/status")[0] == 404
