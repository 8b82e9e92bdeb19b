"""The interface as a whole: every refusal is problem+json."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import Valkey
from tests.portal.api.program import Program
from tests.portal.reader import Reader, call
from tests.running import Running


def test_what_is_not_there_and_what_is_not_taken_is_a_problem(program: Program) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/applications/nothing", 404),
        ("PATCH", "/applications", 405),
        ("DELETE", "/openapi.json", 405),
    ):
        answer = program.ask(method, path)
        assert (answer[0], answer[1]["status"]) == (status, status)
        assert program.headers["Content-Type"] == "application/problem+json"
    program.ask("PATCH", "/applications")
    assert program.headers["Allow"] == "GET, POST"


def test_without_the_store_it_is_503(start: Callable[..., Running], own_valkey: Valkey) -> None:
    clients = [{"id": "ops", "secrets": ["ops-secret"], "scopes": ["portal:manage"]}]
    base = start(own_valkey.url, clients=clients).http
    form = {"grant_type": "client_credentials", "scope": "portal:manage"}
    ops = Program(base, call(base, "/token", form, basic="ops:ops-secret")[1]["access_token"])
    assert ops.ask("GET", "/applications")[0] == 200
    own_valkey.kill()
    status, problem = ops.ask("POST", "/applications", {"name": "Lost"})
    assert (status, problem["code"]) == (503, "900900")
    own_valkey.start()


def test_it_and_the_pages_show_the_same(program: Program, admin: Reader) -> None:
    _, made = program.ask("POST", "/applications", {"name": "Seen by both"})
    assert "Seen by both" in admin.open(f"/portal/applications/{made['applicationId']}").words
