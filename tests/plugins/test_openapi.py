"""Requests and responses that are not as documented are refused, or logged."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from plugins.openapi_document import read_document
from plugins.openapi_messages import Violation, documented_path, violations
from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import problem, web_config

pytest.importorskip("openapi_core")

DOCUMENT = """\
openapi: 3.1.0
info: {title: Orders, version: 2026-11-29}
servers: [{url: https://elsewhere.example.org/v7}]
security: [{key: []}]
paths:
  /orders:
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 10}}
        - {name: X-Tenant, in: header, required: true, schema: {type: string, pattern: "^[a-z]+$"}}
      responses:
        200:
          description: All
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}}
    post:
      security: [{key: []}]
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}
      responses: {201: {description: Created}}
  /orders/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {200: {description: One}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  schemas:
    Order:
      type: object
      required: [name]
      additionalProperties: false
      properties:
        name: {type: string, minLength: 2}
        note: {type: [string, "null"]}
        lines: {type: array, items: {type: object, properties: {count: {type: integer, minimum: 1}}}}
"""
JSON = "Content-Type: application/json"
TENANT = "X-Tenant: acme"


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def started(
    backend: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("openapi")
    document = folder / "orders.yaml"
    document.write_text(DOCUMENT)
    config = web_config(backend, valkey.url, "openapi:")
    routes = {
        "/api": {},
        "/logs": {"requests": "log", "responses": "log"},
        "/strict": {"responses": "refuse", "max": 1000},
    }
    config["routes"] = [
        {
            "path": path,
            "upstream": "backend",
            "auth": "none",
            "plugins": [{"use": "openapi", "with": {"document": str(document), **given}}],
        }
        for path, given in routes.items()
    ]
    under = {"document": str(document), "prefix": "/kept/v1"}
    config["routes"].append(
        {
            "path": "/kept",
            "upstream": "backend",
            "auth": "none",
            "strip_prefix": False,
            "plugins": [{"use": "openapi", "with": under}],
        }
    )
    config["upstreams"]["backend"]["breaker"] = None
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
def running(started: Running, backend: RawUpstream) -> Running:
    backend.reset(says(answer("200 OK", b"[]", JSON)))
    started.lines.clear()
    return started


async def ask(
    running: Running, target: str, *headers: str, method: str = "GET", body: Any = None
) -> RawMessage:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: a", *headers]
    lines += [f"Content-Length: {len(content)}"] if body is not None else []
    async with await running.connect() as client:
        return await client.ask("\r\n".join([*lines, "", ""]).encode() + content, body=method != "HEAD")


async def test_what_is_documented_passes(running: Running, backend: RawUpstream) -> None:
    order = {"name": "ab", "note": None, "lines": [{"count": 1}]}
    found = [
        await ask(running, "/api/orders?limit=10&other=1", TENANT),
        await ask(running, "/api/orders", TENANT, method="HEAD"),
        await ask(running, "/api/orders/7"),
        await ask(running, "/api/orders", JSON + "; charset=utf-8", method="POST", body=order),
        await ask(running, "/kept/v1/orders/7"),
    ]
    assert [one.status for one in found] == [200] * 5
    assert json.loads(backend.requests[3].body) == order


@pytest.mark.parametrize(
    ("asked", "errors"),
    [
        (("/api/nowhere",), [{"in": "path", "detail": "is not documented"}]),
        (("/kept/orders",), [{"in": "path", "detail": "is not documented"}]),
        (("/api/orders/7", "DELETE"), [{"in": "method", "detail": "is not documented for this path"}]),
        (("/api/orders/x",), [{"in": "path", "name": "id", "detail": "is not of the right type"}]),
        (
            ("/api/orders?limit=11",),
            [
                {"in": "query", "name": "limit", "detail": "must be at most 10"},
                {"in": "header", "name": "X-Tenant", "detail": "is missing"},
            ],
        ),
        (("/api/orders", "POST"), [{"in": "body", "detail": "is missing"}]),
        (
            ("/api/orders", "POST", b"{", JSON),
            [{"in": "body", "detail": "can't be read as its Content-Type says"}],
        ),
        (
            ("/api/orders", "POST", b"a=b", "Content-Type: text/plain"),
            [{"in": "body", "detail": "has another Content-Type than documented"}],
        ),
        (
            ("/api/orders", "POST", b'{"lines": [{"count": 0}], "x/y": 1}', JSON),
            [
                {"in": "body", "detail": "must have name"},
                {"in": "body", "detail": "has members that are not allowed"},
                {"in": "body", "pointer": "/lines/0/count", "detail": "must be at least 1"},
            ],
        ),
        (
            ("/api/orders", "POST", gzip.compress(b"{}"), JSON, "Content-Encoding: gzip"),
            [{"in": "body", "detail": "can't be validated with a Content-Encoding"}],
        ),
        (("/api/orders", "POST", b"[" * 5000, JSON), None),
    ],
)
async def test_what_is_not_is_told_and_does_not_reach_the_upstream(
    running: Running, backend: RawUpstream, asked: tuple[Any, ...], errors: list[dict[str, str]] | None
) -> None:
    target, method, body, *headers = (*asked, *(None,) * (3 - len(asked)))[: max(3, len(asked))]
    found = await ask(running, target, *headers, method=method or "GET", body=body)
    said = problem(found)
    assert (found.status, said["code"]) == (400, "400")
    assert said["detail"].startswith("The request is not as documented: ")
    if errors is not None:
        assert sorted(map(json.dumps, said["errors"])) == sorted(map(json.dumps, errors))
        assert errors[0]["detail"] in said["detail"]
    assert backend.requests == []


async def test_an_upgrade_is_validated_too(running: Running, backend: RawUpstream) -> None:
    upgrade = "Connection: upgrade", "Upgrade: websocket"
    assert (await ask(running, "/api/nowhere", *upgrade)).status == 400
    assert backend.requests == []


async def test_where_it_is_only_logged_all_passes(running: Running, backend: RawUpstream) -> None:
    backend.reset(says(answer("200 OK", b'[{"name": 7}]', JSON)))
    found = await ask(running, "/logs/orders?limit=secret", "X-Tenant: a")
    assert (found.status, found.body) == (200, b'[{"name": 7}]')
    request = await running.line("a request violates the document")
    assert "/logs: a request violates the document: query limit is not of the right type" in request
    response = await running.line("a response violates the document")
    assert "body /0/name must be of type string" in response
    assert "secret" not in running.output
    large = json.dumps({"name": "x" * 1024**2}).encode()
    assert (await ask(running, "/logs/orders", JSON, method="POST", body=large[: 1024**2])).status == 200


async def test_a_response_that_is_not_as_documented_is_502(running: Running, backend: RawUpstream) -> None:
    for content in (b'[{"name": "x"}]', b"[" + b" " * 1000 + b"]", b"["):
        backend.reset(says(answer("200 OK", content, JSON)))
        found = await ask(running, "/strict/orders", TENANT, "Accept-Encoding: gzip")
        assert (found.status, problem(found)["code"]) == (502, "101503")
        assert backend.requests[0].header("Accept-Encoding") is None
    backend.reset(says(answer("200 OK", b'[{"name": "xy"}]', JSON)))
    assert (await ask(running, "/strict/orders", TENANT)).status == 200
    backend.reset(says(answer("500 Oh", b"{}", JSON)))
    assert (await ask(running, "/strict/orders", TENANT)).status == 502


async def test_many_at_once_are_validated_each_for_itself(running: Running) -> None:
    asking = [ask(running, f"/api/orders?limit={number}", TENANT) for number in range(8, 14)]
    assert [one.status for one in await asyncio.gather(*asking)] == [200] * 3 + [400] * 3


def test_a_document_without_what_is_the_gateways(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text(DOCUMENT)
    found = read_document(tmp_path / "orders.yaml")
    assert found["servers"] == [{"url": "/"}]
    assert found["info"]["version"] == "2026-11-29"
    assert "security" not in found
    assert "security" not in found["paths"]["/orders"]["post"]


def test_a_path_is_looked_for_as_it_is_meant() -> None:
    assert documented_path(("orders", "ü b", "a/b?c")) == "/orders/ü b/a%2Fb%3Fc"


def test_violations_have_the_names_of_places_and_are_told_once() -> None:
    one = Violation("query", "limit", "is missing")
    assert (str(one), one.document()["name"]) == ("query limit is missing", "limit")
    assert violations([ValueError("x"), ValueError("y")]) == [Violation("body", "", "is not as documented")]


def problems_of(path: Path, text: str | None) -> str:
    if text is not None:
        path.write_text(text)
    use = {"use": "openapi", "with": {"document": str(path)}}
    config = {
        "upstreams": {"orders": {"servers": [{"url": "http://127.0.0.1:1"}]}},
        "routes": [{"path": "/", "upstream": "orders", "plugins": [use]}],
    }
    with pytest.raises(ConfigurationError) as refused:
        load_text(yaml.safe_dump(config), {}, PluginCatalog())
    assert "routes[0].plugins[0].with.document: " in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("info: {", "info: [", ":2:42: "),
        ("openapi: 3.1.0", "swagger: 2.0", ":1:1: openapi: must be a document of OpenAPI 3.0 or 3.1"),
        ("in: query", "in: quary", ":9:29: paths./orders.get.parameters.0.in: "),
        (
            'Order"}}}}',
            'Odrer"}}}}',
            ".application/json.schema.items.$ref: leads nowhere",
        ),
        ('"#/components/schemas/Order"}}}\n', "http://127.0.0.1:1/x}}}\n", "must be a reference inside"),
        ("  /orders/{id}:", "  /orders:", ":5:"),
        ("name: id, in: path", "name: no, in: path", "Path parameter 'id'"),
    ],
)
def test_a_wrong_document_is_an_error_with_its_file_and_line(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in DOCUMENT
    found = problems_of(tmp_path / "orders.yaml", DOCUMENT.replace(before, after, 1))
    assert str(tmp_path / "orders.yaml") in found
    assert said in found


def test_a_document_that_is_not_there_or_no_document_is_an_error(tmp_path: Path) -> None:
    assert "can't be read: No such file" in problems_of(tmp_path / "away.yaml", None)
    assert "must be a document of OpenAPI" in problems_of(tmp_path / "list.yaml", "[]")
    assert "a.yaml:" in problems_of(tmp_path / "a.yaml", "a: &a [*a]\nb: " + "[" * 3000)
