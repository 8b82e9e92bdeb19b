"""Bytes on their way to a caller, and callers that take their time."""

import asyncio

from tests.raw import RawUpstream, until
from tests.running import Running
from tests.server.test_aiohttp_server import listening, served
from tests.web_gateway import request


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
    await asyncio.wait_for(slow.reader.readuntil(b"\r\n\r\n"), 20)
    settled = -1
    while settled != sent:
        settled = sent
        await asyncio.sleep(0.2)
    assert sent < 100_000_000
    await slow.close()


async def test_who_takes_nothing_of_an_answer_is_given_up() -> None:
    server = served()
    async with listening(server) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: server.connections)
        (connection,) = server.connections
        connection.write(b"x" * 50_000_000)
        now = asyncio.get_running_loop().time()
        for seconds in (0, 1, 6):
            connection.check_timeouts(now + seconds)
        await until(lambda: not server.connections)
        assert not connection.connected
        writer.close()
