"""Who did what, by REST."""

from __future__ import annotations

import time

from tests.portal.api.program import Program, token_of
from tests.portal.api.test_keys import made
from tests.portal.reader import Reader

PATIENCE = 30


def test_an_application_has_its_activity(program: Program) -> None:
    path, keys = made(program)
    deadline = time.monotonic() + PATIENCE
    while len(found := program.ask("GET", f"{path}/activity")[1]["list"]) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [one["action"] for one in found] == ["client.create", "application.update", "application.create"]
    assert found[0]["target"] == keys["consumerKey"]
    assert keys["consumerSecret"] not in str(found)
    for place in ("0-1", "0-0", "00-000"):
        assert program.ask("GET", f"{path}/activity?before={place}")[1]["list"] == []
    assert program.ask("GET", f"{path}/activity?before=x")[0] == 400
    assert program.ask("GET", f"/applications/{'x' * 20}/activity")[0] == 404
    assert program.ask("GET", "/activity")[0] == 403


def test_administrators_see_all(admin: Reader, gateway: str) -> None:
    program = Program(gateway, token_of(admin, gateway))
    path, _ = made(program)
    application = path.rpartition("/")[2]
    deadline = time.monotonic() + PATIENCE
    query = f"/activity?applicationId={application}&action=application.create&actor=client/"
    while program.ask("GET", query)[1]["count"] != 1 and time.monotonic() < deadline:
        query = query.replace("&actor=client/", "")
        time.sleep(0.1)
    assert program.ask("GET", query)[1]["list"][0]["applicationId"] == application
    assert program.ask("GET", "/activity?action=x")[0] == 400
