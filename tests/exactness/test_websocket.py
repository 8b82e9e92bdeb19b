"""WebSocket by a real client and a real server (the package `websockets`), with the gateway between them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.exactness.conftest import Pair
from tests.raw import LIMIT

LARGE = bytes(range(256)) * 4 * 1024 * 16
"""16 MiB."""


class Echo:
    """Sends back what comes, message by message; its last connection can be looked at."""

    def __init__(self) -> None:
        self.last: ServerConnection | None = None
        self.codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def __call__(self, connection: ServerConnection) -> None:
        self.last = connection
        with suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)
        self.codes.put_nowait(connection.close_code)


@pytest.fixture
async def echo(pair: Pair) -> AsyncIterator[Echo]:
    handler = Echo()
    server: Server = await serve(
        handler,
        "127.0.0.1",
        pair.upstream_port,
        max_size=None,
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    )
    yield handler
    server.close()
    await server.wait_closed()


def joined(pair: Pair, path: str = "/open", **options: object) -> connect:
    url = f"ws://127.0.0.1:{pair.gateway_port}{path}"
    return connect(url, max_size=None, proxy=None, open_timeout=LIMIT, **options)  # type: ignore[arg-type]  # its own types are finer


async def answered(connection: ClientConnection, message: str | bytes) -> str | bytes:
    await connection.send(message)
    return await asyncio.wait_for(connection.recv(), LIMIT)


async def test_messages_of_every_size_and_kind(pair: Pair, echo: Echo) -> None:
    async with joined(pair) as connection:
        for message in (
            "",
            "text \u00e9 \U0001f600",
            b"\x00\xff",
            b"x" * 125,
            b"x" * 126,
            b"x" * 65_536,
            LARGE,
        ):
            assert await answered(connection, message) == message


async def test_a_fragmented_message_is_one_message(pair: Pair, echo: Echo) -> None:
    async with joined(pair) as connection:
        await connection.send([b"a" * 70_000, b"", b"b" * 10, b"c" * 200_000])
        received = await asyncio.wait_for(connection.recv(), LIMIT)
        assert received == b"a" * 70_000 + b"b" * 10 + b"c" * 200_000


async def test_a_ping_between_fragments_is_answered_at_once(pair: Pair, echo: Echo) -> None:
    async with joined(pair) as connection:
        answered_first = asyncio.Event()

        async def fragments() -> AsyncIterator[bytes]:
            yield b"begin "
            await asyncio.wait_for(await connection.ping(b"in between"), LIMIT)
            answered_first.set()
            yield b"end"

        await connection.send(fragments())
        assert answered_first.is_set()
        assert await asyncio.wait_for(connection.recv(), LIMIT) == b"begin end"


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1008, 1011, 3000, 4999])
async def test_close_codes_pass_both_ways(pair: Pair, echo: Echo, code: int) -> None:
    async with joined(pair) as connection:
        await connection.close(code, "why")
    assert await asyncio.wait_for(echo.codes.get(), LIMIT) == code
    async with joined(pair) as connection:
        assert await answered(connection, "x") == "x"
        assert echo.last is not None
        await echo.last.close(code, "why")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(connection.recv(), LIMIT)
        assert (connection.close_code, connection.close_reason) == (code, "why")


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_large_messages_with_and_without_compression(
    pair: Pair, echo: Echo, compression: str | None
) -> None:
    async with joined(pair, compression=compression) as connection:
        text = "a compressible text, " * 20_000
        await connection.send([text[:100_000], text[100_000:]])
        assert await asyncio.wait_for(connection.recv(), LIMIT) == text


async def test_pings_both_ways(pair: Pair, echo: Echo) -> None:
    async with joined(pair) as connection:
        await asyncio.wait_for(await connection.ping(b"here?"), LIMIT)
        assert echo.last is not None
        await asyncio.wait_for(await echo.last.ping(b"there?"), LIMIT)


async def test_subprotocol_and_compression_are_agreed_end_to_end(pair: Pair, echo: Echo) -> None:
    async with joined(pair, subprotocols=["chat"], compression="deflate") as connection:
        assert connection.subprotocol == "chat"
        assert connection.response is not None
        assert "permessage-deflate" in connection.response.headers["Sec-WebSocket-Extensions"]
        assert await answered(connection, "a" * 10_000) == "a" * 10_000


async def test_a_close_reaches_the_other_end(pair: Pair, echo: Echo) -> None:
    async with joined(pair) as connection:
        assert await answered(connection, "x") == "x"
        await connection.close(4001, "done")
    assert await asyncio.wait_for(echo.codes.get(), LIMIT) == 4001
    assert connection.close_code == 4001


async def test_an_abrupt_end_of_the_caller_reaches_the_server(pair: Pair, echo: Echo) -> None:
    connection = await joined(pair)
    assert await answered(connection, "x") == "x"
    connection.transport.abort()
    assert await asyncio.wait_for(echo.codes.get(), LIMIT) == 1006
    await connection.wait_closed()


async def test_an_abrupt_end_of_the_server_reaches_the_caller(pair: Pair, echo: Echo) -> None:
    async with joined(pair) as connection:
        assert await answered(connection, "x") == "x"
        assert echo.last is not None
        echo.last.transport.abort()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(connection.recv(), LIMIT)
        assert connection.close_code == 1006


async def test_many_at_once(pair: Pair, echo: Echo) -> None:
    async def talk(number: int) -> None:
        async with joined(pair) as connection:
            for turn in range(20):
                assert await answered(connection, f"{number} {turn}") == f"{number} {turn}"

    await asyncio.gather(*(talk(number) for number in range(20)))


async def test_nobody_comes_in_without_a_token(pair: Pair, echo: Echo) -> None:
    for headers in ({}, {"Authorization": "Bearer made-up"}):
        with pytest.raises(InvalidStatus) as refused:
            await joined(pair, "/read", additional_headers=headers)
        assert refused.value.response.status_code == 401
    assert echo.last is None


async def test_with_a_token_one_does(pair: Pair, echo: Echo) -> None:
    headers = {"Authorization": f"Bearer {await token(pair)}"}
    async with joined(pair, "/read", additional_headers=headers) as connection:
        assert await answered(connection, "in") == "in"
    assert echo.last is not None
    assert echo.last.request is not None
    assert echo.last.request.headers["X-Client-Id"] == "demo"


async def token(pair: Pair) -> str:
    form = b"grant_type=client_credentials&scope=read"
    login = base64.b64encode(b"demo:demo-secret")
    async with await pair.gateway.connect() as caller:
        reply = await caller.ask(
            b"POST /token HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
            % (login, len(form), form)
        )
    return str(json.loads(reply.body)["access_token"])
