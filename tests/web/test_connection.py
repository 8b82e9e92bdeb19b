"""What the gateway takes from aiohttp's server that aiohttp does not promise."""

import asyncio

import pytest
from aiohttp import web, web_protocol
from aiohttp.http_exceptions import LineTooLong

from tests.raw import RawClient, RawUpstream
from tests.running import Running
from tests.web.conftest import request

NEEDED = (
    "_force_close",
    "_keepalive_handle",
    "_lingering_time",
    "_message_tail",
    "_messages",
    "_next_keepalive_close_time",
    "_request_count",
    "_request_in_progress",
    "_waiter",
)


@pytest.mark.parametrize("name", NEEDED)
async def test_aiohttp_still_has_what_the_connection_reads(name: str) -> None:
    server = web.Server(lambda request: None)  # type: ignore[arg-type]  # it is never called
    connection = web_protocol.RequestHandler(server, loop=asyncio.get_running_loop())
    assert hasattr(connection, name), f"aiohttp changed: RequestHandler.{name} is gone"


def test_aiohttp_still_makes_its_server_where_the_runner_takes_it_over() -> None:
    assert asyncio.iscoroutinefunction(web.AppRunner._make_server), "aiohttp changed: AppRunner._make_server"


def test_aiohttp_still_says_which_limit_was_passed() -> None:
    assert LineTooLong(b"x", 8190).args[1] == 8190, "aiohttp changed: LineTooLong.args"


async def test_a_slow_reader_holds_the_upstream_back(gateway: Running, upstream: RawUpstream) -> None:
    sent = 0

    async def pours(_: object, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        for _ in range(2000):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000
        return True

    upstream.reset(pours)
    slow = await gateway.connect()
    slow.reader._limit = 1000  # type: ignore[attr-defined]  # the test's own side reads no further
    await slow.send(request("/open"))
    await asyncio.wait_for(slow.reader.readuntil(b"\r\n\r\n"), 5)
    settled = -1
    while settled != sent:
        settled = sent
        await asyncio.sleep(0.2)
    assert sent < 100_000_000
    await slow.close()


async def test_a_connection_that_was_refused_is_closed(client: RawClient) -> None:
    assert (await client.ask(b"GARBAGE\r\n\r\n")).header("Connection") == "close"
    assert await client.closed()
