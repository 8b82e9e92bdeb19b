"""An answer awaited piece by piece, a body sent piece by piece, and what happens when either breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.errors import UpstreamBroken, UpstreamSlow
from gateway.upstream.upload import BodyLengthError
from tests.upstream.defaults import timeouts_of
from tests.upstream.fetching import HIGH_WATER
from tests.upstream.scripted import (
    MakeUpstream,
    Peer,
    Serve,
    always,
    answer,
    get,
    trust_connections,
    until,
)

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"


class ClientGone(Exception):  # noqa: N818 (a state)
    """What a caller's body raises when the caller breaks off."""


async def pieces(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        if isinstance(part, Exception):
            raise part
        yield part


def echo_body(end: bytes) -> tuple[list[bytes], object]:
    """A script that keeps the bodies it gets, each up to a mark."""
    bodies: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            bodies.append(await peer.until(end))
            await peer.say(answer())

    return bodies, script


async def test_an_answer_in_pieces(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for word in (b"a", b"b", b"c"):
            await peer.say(b"1\r\n" + word + b"\r\n")
            await asyncio.sleep(0.01)
        await peer.say(b"0\r\nT: v\r\n\r\n")
        await peer.rest()

    upstream = await make_upstream((await serve(script)).url)
    async with await upstream.fetch(get(), "GET") as response:
        assert response.take_whole() is None
        assert b"".join([piece async for piece in response]) == b"abc"
        assert response.trailers == [(b"T", b"v")]
    assert upstream.active == 0


async def test_a_truncated_body_raises_after_its_pieces(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")

    upstream = await make_upstream((await serve(script)).url)
    response = await upstream.fetch(get(), "GET")
    assert await anext(response) == b"hello"
    with pytest.raises(UpstreamBroken):
        await anext(response)
    assert upstream.active == 0


async def test_a_slow_consumer_holds_the_upstream_back(serve: Serve, make_upstream: MakeUpstream) -> None:
    size = 16 * 1024 * 1024
    sent = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        sent.set()
        await peer.rest()

    upstream = await make_upstream((await serve(script)).url)
    async with await upstream.fetch(get(), "GET") as response:
        await asyncio.sleep(0.1)
        assert not sent.is_set()
        assert response._receiver._held < HIGH_WATER + 1024 * 1024
        received = 0
        async for piece in response:
            received += len(piece)
    assert received == size


async def test_closing_early_ends_the_exchange(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"))
    upstream = await make_upstream(server.url)
    async with await upstream.fetch(get(), "GET"):
        assert upstream.active == 1
    assert upstream.active == 0
    await until(lambda: server.open == 0)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"])
async def test_a_caller_who_leaves_ends_the_exchange(
    serve: Serve, make_upstream: MakeUpstream, start: bytes
) -> None:
    server = await serve(always(start))
    upstream = await make_upstream(server.url)

    async def call() -> None:
        response = await upstream.fetch(get(), "GET")
        await response.read()

    task = asyncio.create_task(call())
    await until(lambda: server.open == 1)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert upstream.active == 0
    await until(lambda: server.open == 0)


@pytest.mark.parametrize(("body", "sent"), [(b"hello", b"5\r\nhello\r\n0\r\n\r\n"), (b"", b"0\r\n\r\n")])
async def test_a_whole_body_in_chunks(
    serve: Serve, make_upstream: MakeUpstream, body: bytes, sent: bytes
) -> None:
    bodies, script = echo_body(b"0\r\n\r\n")
    upstream = await make_upstream((await serve(script)).url)
    await upstream.fetch(CHUNKED, "POST", body, chunked=True)
    assert bodies == [sent]


async def test_a_whole_body_with_a_length(serve: Serve, make_upstream: MakeUpstream) -> None:
    bodies, script = echo_body(b"world!")
    upstream = await make_upstream((await serve(script)).url)
    await upstream.fetch(SIZED, "POST", b"world!")
    assert bodies == [b"world!"]


async def test_a_streamed_body_in_chunks(serve: Serve, make_upstream: MakeUpstream) -> None:
    bodies, script = echo_body(b"0\r\n\r\n")
    server = await serve(script)
    upstream = await make_upstream(server.url)
    trust_connections(upstream)
    for _ in range(2):
        response = await upstream.fetch(CHUNKED, "POST", pieces(b"ab", b"", b"c"), chunked=True)
        assert response.take_whole() == b"ok"
    assert bodies == [b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"] * 2
    assert server.connections == 1


async def test_a_streamed_body_with_a_length(serve: Serve, make_upstream: MakeUpstream) -> None:
    bodies, script = echo_body(b"world!")
    upstream = await make_upstream((await serve(script)).url)
    await upstream.fetch(SIZED, "POST", pieces(b"wor", b"ld!"))
    assert bodies == [b"world!"]


@pytest.mark.parametrize(
    ("head", "parts", "chunked", "error"),
    [
        (CHUNKED, [b"ab", ClientGone()], True, ClientGone),
        (SIZED, [b"ab", ClientGone()], False, ClientGone),
        (SIZED, [b"ab"], False, BodyLengthError),
        (SIZED, [b"abcdefg"], False, BodyLengthError),
        (get(), [b"a"], False, BodyLengthError),
    ],
)
async def test_a_body_that_breaks_off_never_looks_complete(
    serve: Serve,
    make_upstream: MakeUpstream,
    head: bytes,
    parts: list[bytes | Exception],
    chunked: bool,
    error: type[Exception],
) -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        received.append(await peer.rest())

    upstream = await make_upstream((await serve(script)).url)
    with pytest.raises(error):
        await upstream.fetch(head, "POST", pieces(*parts), chunked=chunked)
    assert upstream.active == 0
    await until(lambda: received)
    assert received[0] in (b"", b"ab", b"2\r\nab\r\n")


async def test_a_body_that_breaks_off_under_the_answer_is_reported_there(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
        await peer.rest()

    async def body() -> AsyncIterator[bytes]:
        yield b"ab"
        await started.wait()
        raise ClientGone

    started = asyncio.Event()
    upstream = await make_upstream((await serve(script)).url)
    response = await upstream.fetch(CHUNKED, "POST", body(), chunked=True)
    started.set()
    with pytest.raises(ClientGone):
        await response.read()
    assert upstream.active == 0


async def test_upload_and_download_run_together(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (chunk := await peer.until(b"\r\n")) != b"0\r\n":
            await peer.say(chunk + await peer.until(b"\r\n"))
        await peer.until(b"\r\n")
        await peer.say(b"0\r\n\r\n")
        await peer.rest()

    spoken: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while (word := await spoken.get()) is not None:
            yield word

    server = await serve(script)
    upstream = await make_upstream(server.url)
    response = await upstream.fetch(CHUNKED, "POST", body(), chunked=True)
    for word in (b"one", b"two"):
        spoken.put_nowait(word)
        assert await anext(response) == word
    spoken.put_nowait(None)
    assert await response.read() == b""
    assert server.open == 1


async def test_an_early_answer_ends_the_upload(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer(status="413 Content Too Large")))
    upstream = await make_upstream(server.url)
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.005)
        finally:
            ended.set()

    response = await upstream.fetch(CHUNKED, "POST", endless(), chunked=True)
    assert response.head.status == 413
    assert await response.read() == b"ok"
    async with asyncio.timeout(10):
        await ended.wait()
    await until(lambda: server.open == 0)


async def test_a_slow_upstream_holds_the_body_back(serve: Serve, make_upstream: MakeUpstream) -> None:
    read_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await read_on.wait()
        await peer.skip_to(b"0\r\n\r\n")
        await peer.say(answer())
        await peer.rest()

    given = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(512):
            given += 1
            yield bytes(65536)

    upstream = await make_upstream((await serve(script)).url)
    task = asyncio.create_task(upstream.fetch(CHUNKED, "POST", body(), chunked=True))
    await until(lambda: given)
    await asyncio.sleep(0.1)
    assert given < 512
    read_on.set()
    response = await task
    assert response.head.status == 200
    assert given == 512


async def test_informational_answers_are_handed_on(serve: Serve, make_upstream: MakeUpstream) -> None:
    upstream = await make_upstream(
        (await serve(always(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + answer()))).url
    )
    hints: list[tuple[int, list[tuple[bytes, bytes]]]] = []
    response = await upstream.fetch(
        get(), "GET", on_informational=lambda head: hints.append((head.status, head.headers))
    )
    assert response.head.status == 200
    assert hints == [(103, [(b"Link", b"a")])]


async def test_no_answer_in_time(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(Peer.rest_of)
    upstream = await make_upstream(server.url, timeouts=timeouts_of(response=0.05))
    with pytest.raises(UpstreamSlow):
        await upstream.fetch(get(), "GET")
    with pytest.raises(UpstreamSlow):
        await upstream.fetch(CHUNKED, "POST", pieces(b"a"), chunked=True)
    await until(lambda: server.open == 0)


async def test_a_call_may_bring_its_own_times(serve: Serve, make_upstream: MakeUpstream) -> None:
    upstream = await make_upstream((await serve(Peer.rest_of)).url)
    with pytest.raises(UpstreamSlow):
        await upstream.fetch(get(), "GET", timeouts=timeouts_of(response=0.05))
