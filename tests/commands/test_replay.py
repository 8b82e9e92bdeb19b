"""`gatepost replay`: logged requests, judged by another configuration."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import gatepost, said, shown

CONFIG = """\
clients:
  - {id: warehouse, secrets: [a-secret-of-some-length], scopes: [orders.read]}
  - {id: shop, secrets: [a-secret-of-some-length], scopes: [orders.read, orders.write]}
upstreams: {orders: {servers: [{url: "http://127.0.0.1:9001"}]}}
routes:
  - {path: /orders, methods: [GET], upstream: orders, scopes: [orders.read]}
  - {path: /orders, methods: [POST], upstream: orders, scopes: [orders.write]}
  - {path: /open, upstream: orders, auth: none}
"""
GET = {"method": "GET", "path": "/orders/7", "status": 200, "route": "/orders", "client": "warehouse"}
REFUSED = GET | {"status": 401, "client": "-"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("gateway.yaml").write_text(CONFIG)
    return tmp_path


def changed(old: str, new: str) -> None:
    assert old in CONFIG
    Path("gateway.yaml").write_text(CONFIG.replace(old, new))


def logged(*entries: dict[str, Any], times: int = 1) -> str:
    lines = [json.dumps({"time": "t", "logger": "access"} | entry) + "\n" for entry in entries]
    Path("access.jsonl").write_text("".join(lines) * times)
    return "access.jsonl"


def test_the_same_configuration_changes_nothing() -> None:
    token = {"method": "POST", "path": "/token", "status": 200, "route": "/token", "client": "shop"}
    lost = {"method": "GET", "path": "/no", "status": 404, "route": "-", "client": "-"}
    open_404 = {"method": "GET", "path": "/open/1", "status": 404, "route": "/open", "client": "-"}
    result = gatepost("replay", logged(GET, REFUSED, token, token | {"status": 401}, lost, open_404))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "0 of 6 requests would fare otherwise\n"


def test_a_scope_that_a_client_lacks_is_told_with_the_number_of_its_requests() -> None:
    changed(
        "[GET], upstream: orders, scopes: [orders.read]", "[GET], upstream: orders, scopes: [orders.write]"
    )
    result = gatepost("replay", logged(GET, GET | {"client": "shop"}, times=3))
    assert result.stdout.splitlines() == [
        "3 of 6 requests, all of warehouse, would be 403",
        "  3 of warehouse went to /orders (200), would be 403 (the token lacks the scope orders.write),"
        " such as GET /orders/7",
    ]


def test_the_same_as_json_from_a_compressed_log() -> None:
    changed("/open, upstream: orders, auth: none", "/open, upstream: orders")
    entry = {"method": "GET", "path": "/open/1", "status": 200, "route": "/open", "client": "-"}
    Path("access.jsonl.gz").write_bytes(gzip.compress(Path(logged(entry, GET)).read_bytes() + b"torn\n"))
    found = shown("replay", "access.jsonl.gz", "--json")
    (change,) = found["changes"]
    assert (change["count"], change["would"], change["was"], change["example"]) == (1, 401, 200, "/open/1")
    assert (found["requests"], found["otherwise"], found["unreadable_lines"]) == (2, 1, 1)


def test_a_route_that_is_gone_or_new_is_told() -> None:
    changed("  - {path: /open,", "  - {path: /new,")
    new = {"method": "GET", "path": "/new", "status": 404, "route": "-", "client": "-"}
    old = {"method": "GET", "path": "/open", "status": 200, "route": "/open", "client": "-"}
    lines = gatepost("replay", logged(new, old)).stdout.splitlines()
    assert lines[0] == "2 of 2 requests would fare otherwise"
    assert set(lines[1:]) == {
        "  1 of nobody known got 404, would go to /new, such as GET /new",
        "  1 of nobody known went to /open (200), would be 404 (No route leads there.), such as GET /open",
    }


def test_what_the_log_does_not_tell_is_said() -> None:
    entries = [
        GET | {"client": "stranger"},
        {"method": "GET", "path": "/open", "status": 401, "route": "/open", "client": "-"},
    ]
    log = Path(logged(*entries))
    log.write_text(log.read_text() + "torn {\n")
    result = gatepost("replay", str(log))
    assert result.stdout.splitlines() == [
        "0 of 2 requests would fare otherwise",
        "1 are of clients that the file does not have (stranger): only their routes were judged",
        "1 got 401 or 403 and would go upstream: the log does not tell who refused them. "
        "With `error` in logging.fields it does",
        "1 lines can't be read",
    ]
    with_error = [entry | {"error": None} for entry in entries]
    assert "who refused" not in gatepost("replay", logged(*with_error)).stdout


def test_a_log_that_cannot_be_read_is_an_error() -> None:
    assert "no.log: No such file" in said("replay", "no.log", code=2)
    Path("torn.gz").write_bytes(gzip.compress(Path(logged(GET, times=9)).read_bytes())[:-10])
    result = gatepost("replay", "torn.gz")
    assert result.exit_code == 1
    assert "what comes after it was not read" in result.stderr


def test_memory_does_not_grow_with_the_log() -> None:
    import tracemalloc  # noqa: PLC0415 (it slows everything down)

    def peak(requests: int) -> int:
        with Path("access.jsonl").open("w") as file:
            for number in range(requests):
                entry = GET | {"path": f"/orders/{number}", "time": "t", "logger": "access"}
                file.write(json.dumps(entry) + "\n")
        tracemalloc.start()
        gatepost("replay", "access.jsonl")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    gatepost("replay", logged(GET))
    assert peak(6000) < peak(500) + 12_000_000
