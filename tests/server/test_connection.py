"""A connection that the fast path and aiohttp take turns on."""

import asyncio

import pytest
from aiohttp import web

from gateway.server.aiohttp_server import GatewayServer
from gateway.server.connection import Connection
from tests.raw import RawClient, RawMessage, RawUpstream, answer
from tests.running import Running
from tests.server.test_aiohttp_server import GET, handle, listening, served, settings
from tests.store.stage import until
from tests.web_gateway import request

SPECIAL = ("TE: trailers",)
"""Makes a request that the fast path leaves to aiohttp."""
CHUNKED = request("/open/c", "Transfer-Encoding: chunked", method="PUT") + b"5\r\nhello\r\n0\r\n\r\n"


async def test_plain_and_special_requests_take_turns(client: RawClient, upstream: RawUpstream) -> None:
    for number in range(6):
        special = ("TE: trailers",) if number % 2 else ()
        assert (await client.ask(request(f"/open/{number}", *special))).status == 200
    assert [seen.target for seen in upstream.requests] == [f"/open/{number}" for number in range(6)]


async def test_a_head_in_pieces_is_put_together(client: RawClient, upstream: RawUpstream) -> None:
    whole = request("/open/pieces", "X-A: 1", method="PUT", body=b"hello")
    for place in range(0, len(whole), 17):
        await client.send(whole[place : place + 17])
        await asyncio.sleep(0.001)
    assert (await client.receive()).status == 200
    assert (await upstream.next()).content == b"hello"
    assert (await client.ask(request("/open"))).status == 200


async def test_a_flood_before_the_answer_is_held_back_and_answered(
    client: RawClient, upstream: RawUpstream
) -> None:
    async def slow(message: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.02)
        writer.write(answer("200 OK", message.target.encode()))
        return True

    upstream.reset(slow)
    requests = [request(f"/open/{number}", "X-Pad: " + "x" * 1500) for number in range(60)]
    sending = asyncio.create_task(client.send(b"".join(requests)))
    for number in range(60):
        assert (await client.receive()).content == f"/open/{number}".encode()
    await sending


async def test_a_caller_that_leaves_in_the_middle_of_an_answer_frees_the_upstream(
    gateway: Running, upstream: RawUpstream
) -> None:
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def endless(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            loop.call_soon_threadsafe(gone.set)

    upstream.reset(endless)
    leaving = await gateway.connect()
    await leaving.send(request("/open"))
    await asyncio.wait_for(leaving.reader.readexactly(1000), 20)
    await leaving.close()
    await asyncio.wait_for(gone.wait(), 20)


async def test_a_connection_that_was_refused_is_closed(client: RawClient) -> None:
    assert (await client.ask(b"GARBAGE\r\n\r\n")).header("Connection") == "close"
    assert await client.closed()


@pytest.mark.parametrize(
    "first",
    [
        request("/open/1", *SPECIAL),
        request("/open/1", *SPECIAL, method="PUT", body=b"hello"),
        request("/read"),
    ],
    ids=["no body", "a body", "refused"],
)
@pytest.mark.parametrize("cut", [1, 9, 30])
async def test_a_request_that_begins_in_the_pieces_of_another_is_read(
    client: RawClient, upstream: RawUpstream, first: bytes, cut: int
) -> None:
    second = request("/open/2")
    await client.send(first + second[:cut])
    await client.receive()
    await client.send(second[cut:])
    assert (await client.receive()).status == 200
    assert [seen.target for seen in upstream.requests][-1] == "/open/2"


async def test_every_request_behind_another_is_answered_in_order(
    client: RawClient, upstream: RawUpstream
) -> None:
    async def echo(message: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer("200 OK", message.target.encode()))
        return True

    upstream.reset(echo)
    each = [
        CHUNKED,
        request("/open/a"),
        request("/open/b", *SPECIAL),
        request("/open/d", method="PUT", body=b"x"),
    ]
    names = [b"/open/c", b"/open/a", b"/open/b", b"/open/d"]
    for shift in range(4):
        order = range(shift, shift + 8)
        await client.send(b"".join(each[number % 4] for number in order))
        assert [(await client.receive()).content for _ in order] == [names[number % 4] for number in order]


async def test_after_a_chunked_body_the_next_request_is_judged_as_strictly(client: RawClient) -> None:
    assert (await client.ask(CHUNKED)).status == 200
    assert (await client.ask(b"GET  /open HTTP/1.1\r\nHost: a\r\n\r\n")).status == 400


@pytest.mark.parametrize("end", [b"\n\r\n", b"\n\n", b"\r\n\n", b"\r\r\n\r\n"])
async def test_a_head_that_does_not_end_as_it_should_hides_no_other(client: RawClient, end: bytes) -> None:
    hidden = request("/open/hidden", "Content-Length: 5")
    await client.send(b"GET /open HTTP/1.1\r\nHost: a" + end + hidden + b"12345" + request("/open/2"))
    assert (await client.receive()).status == 400
    assert await client.closed()


async def test_an_early_answer_to_a_body_that_still_comes_keeps_the_connection(
    client: RawClient, upstream: RawUpstream
) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    await client.send(head + b"x" * 50_000)
    assert (await client.receive()).status == 401
    await client.send(b"x" * 50_000 + request("/open/next"))
    assert (await client.receive()).status == 200
    assert [seen.target for seen in upstream.requests] == ["/open/next"]


async def test_who_does_not_end_a_head_is_told_so() -> None:
    server = GatewayServer(web.Server(handle), settings(header=1.0))
    async with listening(server) as port, await RawClient.connect("127.0.0.1", port) as client:
        assert (await client.ask(GET)).status == 200
        await client.send(GET[:20])
        assert (await client.receive()).status == 408
        assert await client.closed()


async def test_who_says_nothing_more_is_closed_without_a_word() -> None:
    server = GatewayServer(web.Server(handle), settings(idle=1.0))
    async with listening(server) as port, await RawClient.connect("127.0.0.1", port) as client:
        assert (await client.ask(GET)).status == 200
        assert await client.closed()


async def test_who_waits_for_an_answer_is_not_idle() -> None:
    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(2.0)
        return web.Response(text="late")

    server = GatewayServer(web.Server(slow), settings(header=1.0, idle=1.0))
    async with listening(server) as port, await RawClient.connect("127.0.0.1", port) as client:
        assert (await client.ask(GET)).content == b"late"


async def test_who_does_not_take_an_answer_gets_no_other_until_he_does() -> None:
    much = b"x" * 20_000_000
    taken: list[bytes] = []

    class Quick:
        """A fast path that answers at once."""

        finished = True

        def try_handle(self, data: bytes, caller: Connection) -> "Quick":
            taken.append(data)
            caller.write(much)
            caller.request_finished(keep=True)
            return self

    server = served(Quick())
    async with listening(server) as port, await RawClient.connect("127.0.0.1", port) as client:
        await client.send(GET)
        await until(lambda: bool(taken))
        await client.send(GET)
        await client.send(GET)
        # Whoever has connected later has been heard by now.
        async with await RawClient.connect("127.0.0.1", port) as other:
            await other.send(GET)
            await until(lambda: len(taken) > 1)
            assert len(taken) == 2
            await other.reader.readexactly(len(much))
        await client.reader.readexactly(len(much))
        await until(lambda: len(taken) > 2)
        assert b"".join(taken[2:]) == GET * 2
        await client.reader.readexactly(len(much) * (len(taken) - 2))
