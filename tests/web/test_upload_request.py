"""Requests whose body comes behind their head, on both ways through the gateway."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.raw import RawClient, RawMessage, RawUpstream, answer
from tests.running import Running
from tests.store.stage import until
from tests.web.test_proxy_request import in_flight
from tests.web.test_recording_middleware import noted
from tests.web_gateway import request

INNER = request("/open/inner", method="POST", body=b"x")
"""A body that reads like a request."""
NEXT = request("/open/next", method="PUT", body=b"next")


def post(target: str, length: int, *headers: str) -> bytes:
    return request(target, f"Content-Length: {length}", *headers, method="POST")


async def send_apart(client: RawClient, *pieces: bytes) -> None:
    """Sends each piece in a segment of its own, as far as that can be had."""
    for piece in pieces:
        await client.send(piece)
        await asyncio.sleep(0.002)


async def echo(message: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer("200 OK", message.target.encode()))
    return True


@pytest.mark.parametrize("headers", [(), ("Expect: 100-continue",)], ids=["plain", "expecting"])
async def test_a_body_may_be_cut_anywhere_and_hides_no_request(
    gateway: Running, upstream: RawUpstream, headers: tuple[str, ...]
) -> None:
    upstream.reset(echo)
    head = post("/open/outer", len(INNER), *headers)
    whole = head + INNER + NEXT
    for cut in range(len(head), len(whole) + 1):
        upstream.requests.clear()
        async with await gateway.connect() as client:
            await send_apart(client, whole[:cut], whole[cut:])
            if (await client.receive(body=False)).status == 100:
                await client.receive(body=False)
            assert await client.reader.readexactly(11) == b"/open/outer"
            assert (await client.receive()).content == b"/open/next"
        assert [one.content for one in upstream.requests] == [INNER, b"next"], cut


async def test_a_body_may_come_byte_by_byte_and_requests_behind_it_too(
    client: RawClient, upstream: RawUpstream
) -> None:
    upstream.reset(echo)
    whole = post("/open/outer", len(INNER)) + INNER + NEXT + post("/open/last", 5) + b"hello"
    await send_apart(client, *(whole[place : place + 1] for place in range(len(whole))))
    targets = ["/open/outer", "/open/next", "/open/last"]
    assert [(await client.receive()).content.decode() for _ in targets] == targets
    assert [one.content for one in upstream.requests] == [INNER, b"next", b"hello"]


async def test_requests_with_bodies_in_pieces_follow_each_other(
    client: RawClient, upstream: RawUpstream
) -> None:
    upstream.reset(echo)
    bodies = [b"%d" % number * 3000 for number in range(6)]
    data = b"".join(post(f"/open/{n}", len(body)) + body for n, body in enumerate(bodies))
    await send_apart(client, *(data[place : place + 1700] for place in range(0, len(data), 1700)))
    assert [(await client.receive()).content for _ in bodies] == [b"/open/%d" % n for n in range(6)]
    assert [one.content for one in upstream.requests] == bodies


async def test_a_large_body_waits_for_an_upstream_that_does_not_read(
    client: RawClient, upstream: RawUpstream
) -> None:
    body = bytes(range(256)) * 4000
    read, got = asyncio.Event(), list[bytes]()
    loop = asyncio.get_running_loop()

    async def late(message: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if message.target == "/open/large":
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(read.wait(), loop))
            got.append(await reader.readexactly(len(body)))
        writer.write(answer())
        return True

    upstream.reset(late)
    upstream.heads_alone = True
    sending = asyncio.create_task(client.send(post("/open/large", len(body)) + body + request("/open/2")))
    await upstream.next()
    read.set()
    assert (await client.receive()).status == 200
    await sending
    assert (await client.receive()).status == 200
    assert got == [body]


async def test_the_upstream_has_the_head_before_the_body_has_come(
    client: RawClient, upstream: RawUpstream
) -> None:
    got = list[bytes]()

    async def reads(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        got.append(await reader.readexactly(5))
        writer.write(answer())
        return True

    upstream.reset(reads)
    upstream.heads_alone = True
    await client.send(post("/open/early", 5))
    assert (await upstream.next()).header("Content-Length") == "5"
    await client.send(b"hello")
    assert (await client.receive()).status == 200
    assert got == [b"hello"]


@pytest.mark.parametrize("sent", [b"", b"hello"], ids=["nothing", "half"])
async def test_who_leaves_before_the_body_s_end_is_noted_and_frees_the_upstream(
    gateway: Running, upstream: RawUpstream, sent: bytes
) -> None:
    ended = list[bool]()

    async def listens(_: RawMessage, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> bool:
        with suppress(ConnectionError):
            await reader.read()
        ended.append(True)
        return False

    upstream.reset(listens)
    upstream.heads_alone = True
    path = f"/open/leaves-{len(sent)}"
    async with await gateway.connect() as leaving:
        await leaving.send(post(path, 10) + sent)
        await upstream.next()
    assert (await noted(gateway, path))["status"] == 499
    await until(lambda: bool(ended))
    await until(lambda: in_flight(gateway, 0))


async def test_a_half_closed_client_with_half_a_body_is_no_request(
    gateway: Running, upstream: RawUpstream
) -> None:
    async with await gateway.connect() as client:
        await client.send(post("/open/half-closed", 10) + b"hello")
        client.writer.write_eof()
        assert await client.closed()
    assert (await noted(gateway, "/open/half-closed"))["status"] == 499
    assert upstream.requests == [], "its body never came whole"


@pytest.mark.parametrize("close", [(), ("Connection: close",)], ids=["keep", "close"])
async def test_a_refusal_comes_at_once_and_the_body_is_taken_behind_it(
    gateway: Running, upstream: RawUpstream, close: tuple[str, ...]
) -> None:
    async with await gateway.connect() as client:
        await client.send(post("/read/refused", len(INNER), *close) + INNER[:9])
        refused = await client.receive()
        assert (refused.status, refused.header("Connection")) == (401, "close" if close else None)
        await send_apart(client, INNER[9:30], INNER[30:] + NEXT)
        if close:
            assert await client.closed()
        else:
            assert (await client.receive()).status == 200
    assert [one.target for one in upstream.requests] == ([] if close else ["/open/next"])


async def test_a_body_that_does_not_follow_a_refusal_ends_the_connection(hasty_gateway: Running) -> None:
    async with await hasty_gateway.connect() as client:
        assert (await client.ask(post("/read/never", 10))).status == 401
        assert await client.closed(), "after the time in which it is waited for"


async def test_what_comes_late_behind_a_last_response_is_no_request(
    gateway: Running, upstream: RawUpstream
) -> None:
    """The upstream answers before the body's end, and the connection ends with the answer."""

    async def early(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer("200 OK", b"early"))
        await reader.read()
        return False

    upstream.reset(early)
    upstream.heads_alone = True
    async with await gateway.connect() as client:
        await client.send(post("/open/last", len(INNER), "Connection: close"))
        reply = await client.receive()
        assert (reply.content, reply.header("Connection")) == (b"early", "close")
        await send_apart(client, INNER[:20], INNER[20:] + NEXT + NEXT)
        assert await client.closed()
    assert [one.target for one in upstream.requests] == ["/open/last"]


@pytest.mark.parametrize("body", [b"he", b""], ids=["a part came", "nothing came"])
async def test_an_upstream_that_can_t_be_asked_is_an_answer_before_the_body_has_come(
    client: RawClient, upstream: RawUpstream, body: bytes
) -> None:
    await client.send(post("/away/x", 5) + body)
    assert (await client.receive()).status == 502
    await client.send(b"hello"[len(body) :] + request("/open/next"))
    assert (await client.receive()).status == 200


async def test_a_body_whose_upstream_breaks_off_is_answered_with_502_and_the_rest_discarded(
    client: RawClient, upstream: RawUpstream
) -> None:
    async def breaks_off(_: RawMessage, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> bool:
        await reader.readexactly(5)
        return False

    upstream.reset(breaks_off)
    upstream.heads_alone = True
    await client.send(post("/open/broken", 10) + b"hello")
    assert (await client.receive()).status == 502
    upstream.reset()
    await client.send(b"world" + request("/open/next"))
    assert (await client.receive()).status == 200
    assert [one.target for one in upstream.requests] == ["/open/next"]


async def test_a_response_may_stream_while_the_body_still_comes(
    client: RawClient, upstream: RawUpstream
) -> None:
    got = list[bytes]()

    async def both_ways(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _each in range(2):
            got.append(await reader.readexactly(5))
            writer.write(b"ok")
        return True

    upstream.reset(both_ways)
    upstream.heads_alone = True
    await client.send(post("/open/both", 10))
    await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 20)
    for piece in (b"hello", b"world"):
        await client.send(piece)
        assert await asyncio.wait_for(client.reader.readexactly(2), 20) == b"ok"
    assert got == [b"hello", b"world"]
    upstream.reset()
    assert (await client.ask(request("/open/next"))).status == 200


async def test_a_body_too_slow_behind_the_response_s_head_breaks_the_response_off(
    hasty_gateway: Running, upstream: RawUpstream
) -> None:
    async def begins(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        with suppress(ConnectionError):
            await reader.read()
        return False

    upstream.reset(begins)
    upstream.heads_alone = True
    async with await hasty_gateway.connect() as client:
        await client.send(post("/open/slow", 10) + b"hello")
        received = b""
        with suppress(ConnectionError):
            received = await client.rest()
        assert received.endswith(b"\r\n\r\nhello") or received == b""
        assert received.count(b"HTTP/1.1 ") <= 1


async def test_a_body_that_was_passed_on_in_part_is_not_sent_again(
    client: RawClient, upstream: RawUpstream
) -> None:
    """PUT could be sent again on another connection, but not when bytes of its body have gone."""

    async def breaks_off(
        message: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if message.target == "/open/1":
            await reader.readexactly(5)
            writer.write(answer())
            return True
        await reader.readexactly(3)
        return False

    upstream.reset(breaks_off)
    upstream.heads_alone = True
    heads = [request(f"/open/{number}", "Content-Length: 5", method="PUT") for number in (1, 2)]
    await send_apart(client, heads[0], b"hello")
    assert (await client.receive()).status == 200
    await send_apart(client, heads[1], b"hel")
    assert (await client.receive()).status == 502
    assert [one.target for one in upstream.requests] == ["/open/1", "/open/2"]


async def test_who_expects_100_and_is_refused_is_not_told_to_send(
    gateway: Running, upstream: RawUpstream
) -> None:
    async with await gateway.connect() as client:
        await client.send(post("/read/expects", 5, "Expect: 100-Continue"))
        received = await client.rest()
    assert received.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in received
    assert b" 100 " not in received
    assert upstream.requests == []


async def test_who_expects_100_and_sends_a_part_is_refused_as_others(
    client: RawClient, upstream: RawUpstream
) -> None:
    """It does not wait: the rest will come, and the connection can go on behind it."""
    await client.send(post("/read/expects", 5, "Expect: 100-continue") + b"he")
    refused = await client.receive()
    assert (refused.status, refused.header("Connection")) == (401, None)
    await client.send(b"llo" + request("/open/next"))
    assert (await client.receive()).status == 200


async def test_100_is_said_once_and_never_behind_the_body(client: RawClient, upstream: RawUpstream) -> None:
    async def wordy(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for _each in range(2):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(5) == b"hello"
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" + answer())
        return True

    upstream.reset(wordy)
    upstream.heads_alone = True
    await client.send(post("/open/once", 5, "Expect: 100-continue"))
    assert (await client.receive(body=False)).status == 100
    await client.send(b"hello")
    assert (await client.receive()).status == 200


async def test_expectations_without_a_body_or_with_two_values(
    client: RawClient, upstream: RawUpstream
) -> None:
    assert (await client.ask(request("/open", "Expect: 100-continue"))).status == 200
    assert (await client.ask(post("/open", 0, "Expect: 100-continue"))).status == 200
    assert [one.header("Expect") for one in upstream.requests] == [None, None]
    assert (await client.ask(post("/open", 5, "Expect: 100-continue, x") + b"hello")).status == 417
