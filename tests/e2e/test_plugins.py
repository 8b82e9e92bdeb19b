"""The plugins of the proxy, as callers and upstreams see them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.e2e.conftest import configuration
from tests.raw import RawClient, RawMessage, RawUpstream, answer, says
from tests.raw import raw_upstream as start_upstream
from tests.running import Running

APP = "https://app.example.org"
KEY = "0123456789abcdef"


def a_route(path: str, *plugins: dict[str, Any], **keys: Any) -> dict[str, Any]:
    base = {"path": path, "upstream": "backend", "strip_prefix": False, "auth": "none"}
    return {**base, "plugins": list(plugins), **keys}


ROUTES = [
    a_route("/cors", {"use": "cors", "with": {"origins": [APP]}}, auth="bearer", methods=["GET"]),
    a_route("/pages", {"use": "cors", "with": {"origins": [APP]}}),
    a_route("/small", {"use": "body_limit", "with": {"max": 10}}),
    a_route("/large", {"use": "body_limit", "with": {"max": "2m"}}),
    a_route("/slow", {"use": "timeout", "with": {"response": "100ms"}}),
    a_route("/nobody", {"use": "ip_filter", "with": {"deny": ["127.0.0.0/8"]}}),
    a_route("/moved", {"use": "redirect", "with": {"to": "https://example.org/{rest...}"}}),
    a_route(
        "/shop",
        {"use": "rewrite", "with": {"path": "/shop/{id}/items", "to": "/v2/items/{id}"}},
        {"use": "headers", "with": {"request": {"set": {"X-Mode": "a"}}, "response": {"set": {"X-B": "b"}}}},
    ),
    a_route("/keys", {"use": "api_key"}, auth="bearer", scopes=["orders.read"]),
    a_route("/keys/admin", {"use": "api_key"}, auth="bearer", scopes=["admin"]),
]


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with start_upstream() as made:
        yield made


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, backend: RawUpstream
) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("plugins")
    client = {"id": "shop", "secrets": ["s"], "scopes": ["orders.read"], "api_keys": [KEY]}
    config = configuration(
        backend.url,
        store={"url": valkey.url, "prefix": "plugins:"},
        server={"trusted_proxies": ["127.0.0.1"], "max_body": "1m"},
        routes=ROUTES,
        clients=[client],
        plugins=[{"use": "request_id", "with": {"accept": True}}, {"use": "trace"}],
    )
    gateway = Running(config, folder)
    gateway.await_ready()
    yield gateway
    gateway.stop()


@pytest.fixture
async def connection(running: Running, backend: RawUpstream) -> AsyncIterator[RawClient]:
    backend.reset()
    async with await running.connect() as made:
        yield made


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


def problem(got: RawMessage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(got.content)
    return found


async def test_a_preflight_is_answered_without_a_token_and_without_the_method(
    connection: RawClient, backend: RawUpstream
) -> None:
    lines = (f"Origin: {APP}", "Access-Control-Request-Method: GET")
    got = await connection.ask(head("OPTIONS", "/cors", *lines), body=False)
    assert (got.status, got.header("Access-Control-Allow-Origin")) == (204, APP)
    assert got.header("Access-Control-Allow-Methods")
    lines = ("Origin: https://evil.example", "Access-Control-Request-Method: GET")
    got = await connection.ask(head("OPTIONS", "/cors", *lines), body=False)
    assert (got.status, got.header("Access-Control-Allow-Origin")) == (204, None)
    got = await connection.ask(head("OPTIONS", "/pages", *lines), body=False)
    assert (got.status, got.header("Access-Control-Allow-Origin")) == (204, None)
    got = await connection.ask(head("OPTIONS", "/cors"))
    assert got.status == 405
    assert not backend.requests


async def test_a_page_can_read_why_it_was_refused(connection: RawClient) -> None:
    got = await connection.ask(head("GET", "/cors", f"Origin: {APP}"))
    assert (got.status, got.header("Access-Control-Allow-Origin")) == (401, APP)
    assert "Origin" in (got.header("Vary") or "")


async def test_a_body_is_bounded_by_its_declared_length_and_by_what_arrives(
    connection: RawClient, running: Running, backend: RawUpstream
) -> None:
    assert (await connection.ask(head("POST", "/small", "Content-Length: 10") + b"x" * 10)).status == 200
    got = await connection.ask(head("POST", "/small", "Content-Length: 11"))
    assert (got.status, problem(got)["code"]) == (413, "413")
    async with await running.connect() as other:
        await other.send(
            head("POST", "/small", "Transfer-Encoding: chunked") + b"b\r\n" + b"x" * 11 + b"\r\n"
        )
        assert (await other.receive()).status == 413
    async with await running.connect() as other:
        sent = head("POST", "/large", "Content-Length: 1500000") + b"x" * 1_500_000
        assert (await other.ask(sent)).status == 200


async def test_a_route_can_be_less_patient_than_its_upstream(
    connection: RawClient, backend: RawUpstream
) -> None:
    async def silent(*_: object) -> bool:
        return True

    backend.reset(silent)
    got = await connection.ask(head("GET", "/slow"))
    assert (got.status, problem(got)["code"]) == (504, "101504")


async def test_the_real_peer_decides_who_is_let_in(connection: RawClient) -> None:
    assert (await connection.ask(head("GET", "/nobody"))).status == 403
    behind = head("GET", "/nobody", "X-Forwarded-For: 203.0.113.7")
    assert (await connection.ask(behind)).status == 200


async def test_a_redirect_leads_where_the_configuration_says(connection: RawClient) -> None:
    got = await connection.ask(head("GET", "/moved/a%20b?x=1"))
    assert (got.status, got.header("Location")) == (308, "https://example.org/moved/a%20b?x=1")


async def test_path_and_headers_change_on_the_way(connection: RawClient, backend: RawUpstream) -> None:
    backend.reset(says(answer("200 OK", b"hello", "X-B: upstream")))
    got = await connection.ask(head("GET", "/shop/7/items?q", "X-Mode: mine"))
    sent = await backend.next()
    assert (sent.target, sent.header("X-Mode")) == ("/v2/items/7?q", "a")
    assert got.header("X-B") == "b"


async def test_an_api_key_is_a_way_in_and_stays_at_the_gateway(
    connection: RawClient, backend: RawUpstream
) -> None:
    assert (await connection.ask(head("GET", "/keys", f"X-Api-Key: {KEY}"))).status == 200
    sent = await backend.next()
    assert (sent.header("X-Client-Id"), sent.header("X-Api-Key")) == ("shop", None)
    assert sent.header("X-Authenticated-Scope") == "orders.read"
    got = await connection.ask(head("GET", "/keys", "X-Api-Key: wrong"))
    assert (got.status, problem(got)["code"]) == (401, "900901")
    got = await connection.ask(head("GET", "/keys/admin", f"X-Api-Key: {KEY}"))
    assert (got.status, problem(got)["code"]) == (403, "900910")
    got = await connection.ask(head("GET", "/keys"))
    assert (got.status, problem(got)["code"]) == (401, "900902")


async def test_the_id_of_a_trusted_proxy_is_taken_over_everywhere(
    connection: RawClient, backend: RawUpstream
) -> None:
    got = await connection.ask(head("GET", "/small", "X-Request-Id: abc-1"))
    assert got.header("X-Request-Id") == "abc-1"
    sent = await backend.next()
    assert (sent.header("X-Request-Id"), len(sent.all("traceparent"))) == ("abc-1", 1)
    got = await connection.ask(head("GET", "/nobody", "X-Request-Id: abc-2"))
    assert (got.header("X-Request-Id"), problem(got)["request_id"]) == ("abc-2", "abc-2")
