"""A route in front of an MCP server, asked over the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import ask_for_token, problem, web_config

JSON = "Content-Type: application/json"
EVENTS = "Content-Type: text/event-stream"
CORS = {"use": "cors", "with": {"origins": ["https://inspector.example"]}}
MCP = {
    "tools": {"delete_order": ["admin"], "help": []},
    "default": ["read"],
    "limits": {"help": "2 per 1h", "limited": "1 per 1h"},
    "max_body": "200k",
}
METADATA = "https://gateway.example/.well-known/oauth-protected-resource/mcp"


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def started(
    backend: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, "mcp:")
    config["clients"] = [{"id": "demo", "secrets": ["demo-secret"], "scopes": ["read", "admin", "write"]}]
    config["routes"] = [
        {"path": "/mcp", "upstream": "backend", "strip_prefix": False, "mcp": MCP, "plugins": [CORS]},
        {"path": "/both", "upstream": "backend", "scopes": ["write"], "mcp": {"tools": {"a": ["admin"]}}},
    ]
    config["upstreams"]["backend"]["breaker"] = None
    running = Running(config, tmp_path_factory.mktemp("mcp"))
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
async def client(started: Running, backend: RawUpstream) -> AsyncIterator[RawClient]:
    backend.reset()
    connected = await started.connect()
    yield connected
    await connected.close()


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    return {}


@pytest.fixture
async def reader(client: RawClient, tokens: dict[str, str]) -> str:
    return await token(client, tokens, "read")


@pytest.fixture
async def admin(client: RawClient, tokens: dict[str, str]) -> str:
    return await token(client, tokens, "read+admin")


async def token(client: RawClient, tokens: dict[str, str], scope: str) -> str:
    if scope not in tokens:
        tokens[scope] = json.loads((await ask_for_token(client, f"scope={scope}")).content)["access_token"]
    return tokens[scope]


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def call(tool: str) -> dict[str, Any]:
    return message("tools/call", name=tool, arguments={})


async def post(
    client: RawClient,
    token: str | None,
    body: object,
    *headers: str,
    path: str = "/mcp",
    method: str = "POST",
) -> RawMessage:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: a", "Accept: application/json, text/event-stream", *headers]
    lines += [] if token is None else [f"Authorization: Bearer {token}"]
    lines += [f"Content-Length: {len(content)}"] if content else []
    return await client.ask("\r\n".join([*lines, "", ""]).encode("latin-1") + content)


async def test_a_call_passes_byte_for_byte_where_the_token_has_the_tools_scopes(
    client: RawClient, reader: str, admin: str, backend: RawUpstream
) -> None:
    body = b' {"id": 1,"method":"tools\\/call", "params": {"name": "delete_order"}}\n'
    found = await post(client, admin, body, JSON, "Mcp-Session-Id: s1", "MCP-Protocol-Version: 2025-06-18")
    assert (found.status, found.body) == (200, b"hello")
    assert (await post(client, reader, call("get_order"), JSON)).status == 200
    sent = backend.requests[0]
    assert (sent.body, sent.target, sent.header("Accept-Encoding")) == (body, "/mcp", "identity")
    assert (sent.header("Mcp-Session-Id"), sent.header("Authorization")) == ("s1", None)


async def test_a_client_without_a_token_learns_the_first_scopes_to_ask_for(client: RawClient) -> None:
    found = await post(client, None, message("initialize"), JSON)
    assert found.status == 401
    challenge = found.header("WWW-Authenticate") or ""
    assert 'scope="read"' in challenge
    assert f'resource_metadata="{METADATA}"' in challenge
    document = await post(client, None, b"", path="/.well-known/oauth-protected-resource/mcp", method="GET")
    assert json.loads(document.body)["scopes_supported"] == ["admin", "read"]


@pytest.mark.parametrize(
    ("version", "scope"), [("2026-07-28", "admin"), ("2025-11-25", "admin read"), (None, "admin read")]
)
async def test_a_call_without_the_tools_scope_is_a_challenge_to_step_up(
    client: RawClient, reader: str, backend: RawUpstream, version: str | None, scope: str
) -> None:
    headers = ["Mcp-Method: tools/call", "Mcp-Name: delete_order"]
    headers += [] if version is None else [f"MCP-Protocol-Version: {version}"]
    found = await post(client, reader, call("delete_order"), JSON, *headers)
    assert (found.status, problem(found)["code"]) == (403, "900910")
    assert "delete_order" in problem(found)["detail"]
    assert found.header("WWW-Authenticate") == (
        f'Bearer realm="gatepost", error="insufficient_scope", scope="{scope}", '
        f'resource_metadata="{METADATA}"'
    )
    assert backend.requests == []


async def test_why_names_the_tool_and_its_scope(
    client: RawClient, reader: str, started: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(started.file.parent)
    request_id = problem(await post(client, reader, call("delete_order"), JSON))["request_id"]
    told = await asyncio.to_thread(gatepost, "why", request_id, "-c", str(started.file))
    assert "The access token lacks a scope that the tool delete_order needs." in told.stdout
    assert "missing scopes: admin" in told.stdout


async def test_a_route_with_scopes_needs_them_for_every_message(
    client: RawClient, reader: str, tokens: dict[str, str]
) -> None:
    assert (await post(client, reader, message("ping"), JSON, path="/both")).status == 403
    writer = await token(client, tokens, "write")
    assert (await post(client, writer, message("ping"), JSON, path="/both")).status == 200
    found = await post(client, writer, call("a"), JSON, path="/both")
    assert 'scope="admin write"' in (found.header("WWW-Authenticate") or "")


async def test_one_message_of_a_batch_that_may_not_pass_stops_them_all(
    client: RawClient, reader: str, admin: str, backend: RawUpstream
) -> None:
    batch = [call("get_order"), call("delete_order")]
    assert (await post(client, reader, batch, JSON)).status == 403
    assert backend.requests == []
    assert (await post(client, admin, batch, JSON)).status == 200


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", (), -32700),
        (b"tools/call", (), -32700),
        (b'{"method": "ping", "Method": "tools/call"}', (), -32600),
        (json.dumps(call("help")).encode("utf-16"), (), -32700),
        (json.dumps(call("help")).encode(), ("Content-Type: application/json; charset=utf-16",), -32700),
        (json.dumps(call("help")).encode(), ("Content-Encoding: gzip",), -32700),
        (b'{"method": "tools/call", "id": 7, "params": {}}', (), -32602),
        (json.dumps(call("help")).encode(), ("Mcp-Method: ping",), -32020),
        (json.dumps(call("help")).encode(), ("Mcp-Name: get_order",), -32020),
        (json.dumps(call("help")).encode(), ("MCP-Protocol-Version: 2026-07-28",), -32020),
        (json.dumps(call("help")).encode(), ("Mcp-Name: help", "Mcp-Name: delete_order"), -32020),
    ],
)
async def test_what_is_ambiguous_is_a_json_rpc_error_and_does_not_reach_the_server(
    client: RawClient, admin: str, backend: RawUpstream, body: bytes, headers: tuple[str, ...], code: int
) -> None:
    for method in ("POST", "PUT"):
        found = await post(client, admin, body, *headers, method=method)
        assert (found.status, found.header("Content-Type")) == (400, "application/json")
        document = json.loads(found.body)
        assert (document["jsonrpc"], document["error"]["code"]) == ("2.0", code)
        assert document["error"]["data"]["code"] == "400"
    assert backend.requests == []


async def test_no_method_carries_a_call_past_the_guard(
    client: RawClient, reader: str, backend: RawUpstream
) -> None:
    for method in ("GET", "DELETE", "PATCH", "OPTIONS", "QUERY"):
        assert (await post(client, reader, call("delete_order"), JSON, method=method)).status == 403
    large = call("get_order") | {"x": "x" * 210_000}
    assert (await post(client, reader, large, JSON)).status == 413
    assert backend.requests == []


async def test_no_other_protocol_carries_messages_past_the_guard(
    client: RawClient, reader: str, backend: RawUpstream
) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    assert (await post(client, reader, b"", *upgrade, method="GET")).status == 403
    assert (await post(client, reader, call("delete_order"), JSON, *upgrade)).status == 403
    assert backend.requests == []
    assert (await post(client, reader, call("get_order"), JSON, *upgrade)).status == 200
    assert backend.requests[0].header("Upgrade") is None


async def test_large_messages_are_judged_as_small_ones(
    client: RawClient, reader: str, admin: str, backend: RawUpstream
) -> None:
    arguments = {"lines": ["x" * 1000] * 100}
    large = message("tools/call", name="delete_order", arguments=arguments)
    assert (await post(client, reader, large, JSON)).status == 403
    assert (await post(client, reader, json.dumps(large).encode() + b"{", JSON)).status == 400
    assert (await post(client, admin, large, JSON)).status == 200
    backend.reset(
        says(answer("200 OK", tool_list(*(f"tool-{n}" for n in range(9999)), "delete_order"), JSON))
    )
    listed = await post(client, reader, message("tools/list"), JSON)
    assert [tool["name"] for tool in json.loads(listed.body)["result"]["tools"]][-1] == "tool-9998"
    limited = message("tools/call", name="limited", arguments=arguments)
    assert [(await post(client, reader, limited, JSON)).status for _ in range(2)] == [200, 429]


async def test_streams_and_sessions_pass(client: RawClient, reader: str, backend: RawUpstream) -> None:
    backend.reset(says(answer("200 OK", b": hi\n\n", EVENTS, "Mcp-Session-Id: s1")))
    found = await post(client, reader, b"", "Last-Event-ID: 3", "Mcp-Session-Id: s1", method="GET")
    assert (found.content, found.header("Mcp-Session-Id")) == (b": hi\n\n", "s1")
    assert (await post(client, reader, b"", "Mcp-Session-Id: s1", method="DELETE")).status == 200
    sent = [
        (one.method, one.header("Mcp-Session-Id"), one.header("Last-Event-ID")) for one in backend.requests
    ]
    assert sent == [("GET", "s1", "3"), ("DELETE", "s1", None)]


def tool_list(*names: str) -> bytes:
    tools = [{"name": name} for name in names]
    return json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"tools": tools, "nextCursor": "p2"}}).encode()


ALL = tool_list("get_order", "delete_order", "help")
READABLE = json.loads(tool_list("get_order", "help"))


async def test_a_list_shows_what_the_token_may_call(
    client: RawClient, reader: str, admin: str, tokens: dict[str, str], backend: RawUpstream
) -> None:
    backend.reset(says(answer("200 OK", ALL, JSON)))
    assert json.loads((await post(client, reader, message("tools/list"), JSON)).body) == READABLE
    assert (await post(client, admin, message("tools/list"), JSON)).body == ALL
    writer = await token(client, tokens, "write")
    found = json.loads((await post(client, writer, message("tools/list"), JSON)).body)
    assert found["result"] == {"tools": [{"name": "help"}], "nextCursor": "p2"}


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_list_in_an_event_shows_the_same(
    client: RawClient, reader: str, backend: RawUpstream, framing: str
) -> None:
    body = b"id: 1\r\nevent: message\r\ndata: " + ALL + b"\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
    response = {
        "length": answer("200 OK", body, EVENTS),
        "chunked": f"HTTP/1.1 200 OK\r\n{EVENTS}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks,
        "close": f"HTTP/1.1 200 OK\r\n{EVENTS}\r\nConnection: close\r\n\r\n".encode() + body,
    }[framing]
    backend.reset(says(response))
    for found in (
        await post(client, reader, message("tools/list"), JSON),
        await post(client, reader, b"", "Last-Event-ID: 0", method="GET"),
    ):
        lines = found.content.split(b"\r\n")
        assert lines[:2] + lines[3:] == [b"id: 1", b"event: message", b"", b""]
        assert json.loads(lines[2].removeprefix(b"data: ")) == READABLE


async def test_events_leave_one_by_one(client: RawClient, reader: str, backend: RawUpstream) -> None:
    go_on = asyncio.Event()

    async def stream(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(f"HTTP/1.1 200 OK\r\n{EVENTS}\r\nConnection: close\r\n\r\n".encode())
        writer.write(b"data: first\n\n: alive\n")
        await writer.drain()
        async with asyncio.timeout(20):
            while not go_on.is_set():  # noqa: ASYNC110 (set by another event loop)
                await asyncio.sleep(0.005)
        writer.write(b"data: " + ALL + b"\n\n")
        return False

    backend.reset(stream)
    await client.send(f"GET /mcp HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reader}\r\n\r\n".encode())
    await client.receive(body=False)
    first = await asyncio.wait_for(client.reader.readuntil(b": alive\n"), 10)
    assert first.endswith(b"data: first\n\n: alive\n")
    go_on.set()
    rest = await asyncio.wait_for(client.reader.readuntil(b"0\r\n\r\n"), 10)
    assert b"delete_order" not in rest
    assert b"get_order" in rest


@pytest.mark.parametrize(
    "response",
    [
        answer("200 OK", b'{"tools"', JSON),
        answer("200 OK", ALL, JSON, "Content-Encoding: gzip"),
        answer("200 OK", b"data: 1\n\n", EVENTS, "Content-Encoding: gzip"),
    ],
)
async def test_a_list_that_can_not_be_filtered_is_not_shown(
    client: RawClient, reader: str, backend: RawUpstream, response: bytes
) -> None:
    backend.reset(says(response))
    found = await post(client, reader, message("tools/list"), JSON)
    assert (found.status, problem(found)["code"]) == (502, "101503")


async def test_a_stream_with_such_a_list_breaks_off(
    client: RawClient, reader: str, backend: RawUpstream
) -> None:
    backend.reset(says(answer("200 OK", b'data: 1\n\ndata: {"tools"\n\n', EVENTS)))
    await client.send(f"GET /mcp HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reader}\r\n\r\n".encode())
    await client.receive(body=False)
    rest = await client.rest()
    assert b"tools" not in rest
    assert not rest.endswith(b"0\r\n\r\n")


async def test_an_error_page_in_place_of_a_list_passes(
    client: RawClient, reader: str, backend: RawUpstream
) -> None:
    backend.reset(says(answer("404 Not Found", b"no tools here", "Content-Type: text/html")))
    found = await post(client, reader, message("tools/list"), JSON)
    assert (found.status, found.body) == (404, b"no tools here")


async def test_calls_of_a_tool_are_limited_by_client(
    client: RawClient, reader: str, admin: str, backend: RawUpstream
) -> None:
    assert (await post(client, reader, call("help"), JSON)).status == 200
    assert (await post(client, admin, [call("help"), call("get_order")], JSON)).status == 200
    for body in (call("help"), [call("get_order"), call("help")]):
        found = await post(client, reader, body, JSON)
        assert (found.status, problem(found)["code"]) == (429, "900800")
        assert found.header("Retry-After") is not None
    assert (await post(client, reader, call("get_order"), JSON)).status == 200
    assert len(backend.requests) == 3


async def test_pages_of_an_allowed_origin_can_speak_mcp(client: RawClient, reader: str) -> None:
    origin = "Origin: https://inspector.example"
    asked = (
        "authorization,content-type,mcp-method,mcp-name,mcp-param-region,mcp-protocol-version,mcp-session-id"
    )
    preflight = [origin, "Access-Control-Request-Method: POST", f"Access-Control-Request-Headers: {asked}"]
    lines = ["OPTIONS /mcp HTTP/1.1", "Host: a", *preflight, "", ""]
    answered = await client.ask("\r\n".join(lines).encode(), body=False)
    assert answered.status == 204
    allowed = {
        name.strip().lower() for name in (answered.header("Access-Control-Allow-Headers") or "").split(",")
    }
    assert {*asked.split(","), "last-event-id"} <= allowed
    found = await post(client, reader, message("ping"), JSON, origin)
    exposed = {
        name.strip() for line in found.all("Access-Control-Expose-Headers") for name in line.split(",")
    }
    assert {"Mcp-Session-Id", "WWW-Authenticate"} <= exposed
    assert (await post(client, reader, message("ping"), JSON)).all("Access-Control-Expose-Headers") == []


async def test_only_configured_tools_are_labels_of_metrics(
    client: RawClient, started: Running, reader: str
) -> None:
    for tool in ("delete_order", "made-up-1", "made-up-2"):
        await post(client, reader, call(tool), JSON)
    async with await started.connect(started.management) as management:
        metrics = (await management.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")).content.decode()
    calls = [line for line in metrics.splitlines() if line.startswith("gatepost_mcp_tool_calls_total")]
    assert any('tool="delete_order"' in line and 'status="403"' in line for line in calls)
    assert any('tool="other"' in line and 'status="200"' in line for line in calls)
    assert "made-up" not in metrics
