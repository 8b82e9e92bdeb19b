"""Tokens of browsers: in a cookie, and offered as a WebSocket's subprotocol. On both ways."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conftest import Valkey
from tests.raw import LIMIT, RawMessage, RawUpstream, raw_upstream
from tests.running import Running
from tests.web_gateway import ask_for_token, problem, request, web_config

APP = "Origin: https://app.example.org"
CORS = {"use": "cors", "with": {"origins": ["https://*.example.org"], "credentials": True}}


@pytest.fixture(scope="module")
def listening() -> Iterator[socket.socket]:
    """Where the WebSocket server listens. Held throughout, so that nobody else can have the port."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def browsers(
    request: pytest.FixtureRequest,
    backend: RawUpstream,
    listening: socket.socket,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, f"token-from-{request.param}:", fast_lane=request.param)
    config["upstreams"]["sockets"] = {
        "servers": [{"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}],
        "breaker": None,
    }
    everywhere = ["header", "cookie:session", "websocket_protocol"]
    config["routes"] = [
        {"path": "/any", "upstream": "backend", "token_from": everywhere, "plugins": [CORS]},
        {"path": "/closed", "upstream": "backend", "token_from": everywhere},
        {"path": "/header", "upstream": "backend", "plugins": [CORS]},
        {"path": "/socket", "upstream": "sockets", "token_from": everywhere, "plugins": [CORS]},
        {
            "path": "/ends",
            "upstream": "sockets",
            "token_from": ["websocket_protocol"],
            "end_with_token": True,
        },
    ]
    running = Running(config, tmp_path_factory.mktemp("browsers"))
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
async def token(browsers: Running) -> str:
    async with await browsers.connect() as client:
        return str(json.loads((await ask_for_token(client)).content)["access_token"])


async def ask(browsers: Running, *headers: str, path: str = "/any/7") -> RawMessage:
    async with await browsers.connect() as client:
        return await client.ask(request(path, *headers))


async def test_a_cookie_with_an_allowed_origin(browsers: Running, backend: RawUpstream, token: str) -> None:
    for _ in range(2):
        backend.reset()
        reply = await ask(browsers, APP, f"Cookie: a=1; session={token}; b=2")
        assert reply.status == 200
        assert reply.header("Access-Control-Allow-Origin") == "https://app.example.org"
        (seen,) = backend.requests
        assert seen.header("Cookie") == "a=1; b=2"
        assert seen.header("X-Client-Id") == "demo"
        assert token.encode() not in seen.head


@pytest.mark.parametrize(
    "headers",
    [(), ("Origin: https://evilexample.org",), ("Origin: null",), ("Sec-Fetch-Site: same-origin",)],
)
async def test_a_cookie_without_one_is_not_looked_at(
    browsers: Running, backend: RawUpstream, token: str, headers: tuple[str, ...]
) -> None:
    backend.reset()
    reply = await ask(browsers, f"Cookie: session={token}", *headers)
    assert (reply.status, problem(reply)["code"]) == (401, "900902")
    assert "error=" not in (reply.header("WWW-Authenticate") or "")
    assert not backend.requests


async def test_without_cors_no_cookie_is_looked_at(browsers: Running, token: str) -> None:
    assert (await ask(browsers, f"Cookie: session={token}", APP, path="/closed/7")).status == 401
    assert (await ask(browsers, f"Cookie: session={token}", APP, path="/header/7")).status == 401


async def test_the_header_still_counts_and_the_cookie_is_taken_out(
    browsers: Running, backend: RawUpstream, token: str
) -> None:
    backend.reset()
    reply = await ask(browsers, f"Authorization: Bearer {token}", f"Cookie: session={token}")
    assert reply.status == 200
    assert backend.requests[0].header("Cookie") is None
    assert token.encode() not in backend.requests[0].head


async def test_two_tokens_in_two_places_are_400(browsers: Running, backend: RawUpstream, token: str) -> None:
    backend.reset()
    reply = await ask(browsers, APP, f"Authorization: Bearer {token}", f"Cookie: session={token}")
    assert reply.status == 400
    assert 'error="invalid_request"' in (reply.header("WWW-Authenticate") or "")
    assert not backend.requests


async def test_a_bad_token_in_a_cookie_is_401(browsers: Running) -> None:
    reply = await ask(browsers, APP, "Cookie: session=made-up")
    assert reply.status == 401
    assert 'error="invalid_token"' in (reply.header("WWW-Authenticate") or "")
    assert "WWW-Authenticate" in (reply.header("Access-Control-Expose-Headers") or "")


@pytest.fixture
async def sockets(listening: socket.socket) -> AsyncIterator[list[ServerConnection]]:
    """The connections that the WebSocket server has had."""
    seen: list[ServerConnection] = []

    async def echo(connection: ServerConnection) -> None:
        seen.append(connection)
        with suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    def choose(_: object, offered: list[str]) -> str | None:
        return "chat" if "chat" in offered else None  # type: ignore[return-value]  # a NewType of str

    server = await serve(echo, sock=listening.dup(), select_subprotocol=choose)  # type: ignore[arg-type]  # as above
    yield seen
    server.close()
    await server.wait_closed()


def joined(browsers: Running, *offered: str, path: str = "/socket/x", **headers: str) -> connect:
    url = f"ws://127.0.0.1:{urlsplit(browsers.http).port}{path}"
    return connect(
        url,
        subprotocols=offered or None,  # type: ignore[arg-type]  # a NewType of str
        additional_headers=headers,
        proxy=None,
        open_timeout=LIMIT,
    )


@pytest.mark.parametrize(
    ("before", "after", "chosen"), [((), (), "bearer"), ((), ("mqtt",), "bearer"), (("chat",), (), "chat")]
)
async def test_a_websocket_that_offers_its_token(
    browsers: Running,
    sockets: list[ServerConnection],
    token: str,
    before: tuple[str, ...],
    after: tuple[str, ...],
    chosen: str,
) -> None:
    async with joined(browsers, *before, "bearer", token, *after) as connection:
        assert connection.subprotocol == chosen
        await connection.send("in")
        assert await asyncio.wait_for(connection.recv(), LIMIT) == "in"
    (seen,) = sockets
    assert seen.request is not None
    assert seen.request.headers.get("Sec-WebSocket-Protocol") == (", ".join(before + after) or None)
    assert seen.request.headers["X-Client-Id"] == "demo"
    assert token not in str(seen.request.headers)


async def test_a_websocket_with_a_cookie(
    browsers: Running, sockets: list[ServerConnection], token: str
) -> None:
    cookie = {"Cookie": f"session={token}"}
    async with joined(browsers, Origin="https://app.example.org", **cookie) as connection:
        await connection.send("in")
        assert await asyncio.wait_for(connection.recv(), LIMIT) == "in"
    with pytest.raises(InvalidStatus) as refused:
        await joined(browsers, Origin="https://evil.example", **cookie)
    assert refused.value.response.status_code == 401


async def test_two_tokens_for_a_websocket_are_400(
    browsers: Running, sockets: list[ServerConnection], token: str
) -> None:
    for offered, headers in (
        (("bearer", token), {"Authorization": f"Bearer {token}"}),
        (("bearer",), {}),
    ):
        with pytest.raises(InvalidStatus) as refused:
            await joined(browsers, *offered, **headers)
        assert refused.value.response.status_code == 400
    assert not sockets


async def test_a_websocket_ends_with_the_token_that_it_offered(
    browsers: Running, sockets: list[ServerConnection], token: str
) -> None:
    async with joined(browsers, "bearer", token, path="/ends/x") as connection:
        await connection.send("in")
        assert await asyncio.wait_for(connection.recv(), LIMIT) == "in"
        form = f"token={token}".encode()
        basic = "Authorization: Basic ZGVtbzpkZW1vLXNlY3JldA=="
        kind = "Content-Type: application/x-www-form-urlencoded"
        async with await browsers.connect() as client:
            assert (await client.ask(request("/revoke", basic, kind, method="POST", body=form))).status == 200
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(connection.recv(), LIMIT)
        assert connection.close_code == 1008
