"""A connection that the lane and aiohttp take turns on."""

import asyncio

from tests.raw import RawClient, RawMessage, RawUpstream, answer
from tests.running import Running
from tests.web.conftest import request


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
    await asyncio.wait_for(leaving.reader.readexactly(1000), 5)
    await leaving.close()
    await asyncio.wait_for(gone.wait(), 5)
