"""One connection: what the sink hears, when it is kept, and what ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamBroken, UpstreamSlow
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.settings import Timeouts
from tests.upstream.defaults import pool_of, timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import Peer, Script, ScriptedServer, Serve, always, answer, get, until
from tests.upstream.wire import Keeper, wired

MOST_KEPT = 64 << 20
"""Bytes; a transport that takes more without a word keeps whatever it is given."""

POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def request(
    head: bytes, method: str = "GET", timeouts: Timeouts | None = None, **more: Any
) -> UpstreamRequest:
    return UpstreamRequest(head, method, timeouts or timeouts_of(), **more)


class Line:
    """A connection to a scripted server, with its owner."""

    def __init__(self, server: ScriptedServer, connection: UpstreamConnection, keeper: Keeper) -> None:
        self.server = server
        self.connection = connection
        self.keeper = keeper

    def send(
        self, head: bytes = b"", method: str = "GET", timeouts: Timeouts | None = None, **more: Any
    ) -> Recorder:
        handler = Recorder()
        self.connection.send(handler, request(head or get(method=method), method, timeouts, **more))
        return handler


async def connect(serve: Serve, script: Script, keep_alive: float = 60.0, lifetime: float = 300.0) -> Line:
    settings = pool_of(keep_alive=keep_alive, lifetime=lifetime)
    server = await serve(script)
    keeper = Keeper()
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: UpstreamConnection(loop, keeper, settings), "127.0.0.1", server.port
    )
    return Line(server, connection, keeper)


def once(data: bytes) -> Script:
    """A script that answers the first request and hangs up."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(data)

    return script


async def test_an_answer_in_one_piece_is_reported_at_once(serve: Serve) -> None:
    line = await connect(serve, always(answer(b"hello")))
    handler = line.send()
    await handler.done()
    assert handler.names == ["whole"]
    assert handler.body == b"hello"
    assert line.keeper.free == [line.connection]
    assert line.connection.open


async def test_a_long_answer_is_reported_as_it_comes(serve: Serve) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await go_on.wait()
        await peer.say(b"world")
        await peer.rest()

    line = await connect(serve, script)
    handler = line.send()
    await until(lambda: handler.body)
    assert handler.names == ["head", "data"]
    go_on.set()
    await handler.done()
    assert handler.names == ["head", "data", "data", "end"]
    assert line.keeper.free == [line.connection]


async def test_chunks_come_without_their_framing(serve: Serve) -> None:
    line = await connect(
        serve,
        always(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: v\r\n\r\n"
        ),
    )
    handler = line.send()
    await handler.done()
    assert handler.body == b"abc"
    assert handler.events == [("whole", [(b"T", b"v")])]
    assert line.connection.open


async def test_chunks_pass_as_they_come_and_the_connection_goes_on() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for pieces in ([b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"], [b"3\r\nab", b"c\r\n", b"0\r\n\r\n"]):
        handler = Recorder()
        connection.send(handler, request(get()))
        for piece in (head, *pieces):
            connection.data_received(piece)
        assert (handler.names, handler.body) == (["head", "data", "data", "end"], b"abc")
        assert handler.framing is UpstreamFraming.CHUNKED
    assert (keeper.free, keeper.gone) == ([connection] * 2, [])


async def test_a_chunked_answer_in_one_piece_is_reported_at_once() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    handler = Recorder()
    connection.send(handler, request(get()))
    connection.data_received(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
    )
    assert (handler.events, handler.body, keeper.free) == ([("whole", [])], b"ab", [connection])


async def test_head_gets_no_body_and_the_connection_goes_on(serve: Serve) -> None:
    line = await connect(serve, always(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"))
    for _ in range(2):
        handler = line.send(method="HEAD")
        await handler.done()
        assert (handler.framing, handler.body) == (UpstreamFraming.NONE, b"")
    assert line.connection.requests == 2


async def test_the_connections_end_is_the_bodys_end(serve: Serve) -> None:
    line = await connect(serve, once(b"HTTP/1.1 200 OK\r\n\r\nall of it"))
    handler = line.send()
    await handler.done()
    assert (handler.framing, handler.body, handler.names[-1]) == (UpstreamFraming.CLOSE, b"all of it", "end")
    assert line.keeper.gone == [line.connection]
    assert line.keeper.free == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_a_truncated_answer_is_an_error(serve: Serve, data: bytes) -> None:
    line = await connect(serve, once(data))
    handler = line.send()
    await handler.done()
    assert isinstance(handler.error, UpstreamBroken)
    assert not handler.ended
    assert line.keeper.gone == [line.connection]


async def test_a_reset_is_an_error(serve: Serve) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    line = await connect(serve, script)
    handler = line.send()
    await handler.done()
    assert isinstance(handler.error, UpstreamBroken)


async def test_nonsense_is_an_error_after_what_was_sound(serve: Serve) -> None:
    line = await connect(
        serve, always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nnonsense")
    )
    handler = line.send()
    await handler.done()
    assert handler.names == ["head", "data", "error"]
    assert line.keeper.gone == [line.connection]


async def test_informational_answers_are_passed_on(serve: Serve) -> None:
    line = await connect(
        serve, always(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + answer())
    )
    handler = line.send()
    await handler.done()
    assert handler.events == [("informational", 100), ("informational", 103), ("whole", [])]


SAID = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "names"),
    [
        ([SAID, answer(b"hi")], ["whole"]),
        ([SAID, answer(b"hi")[:-1], b"i"], ["head", "data", "data", "end"]),
        ([SAID, answer(b"hi")[:9], answer(b"hi")[9:]], ["whole"]),
        ([SAID, CHUNKED], ["whole"]),
        ([SAID[:9], SAID[9:], answer(b"hi")], ["whole"]),
    ],
)
@pytest.mark.parametrize("method", ["POST", "HEAD"])
async def test_what_comes_in_segments_behind_100_is_the_response(
    serve: Serve, pieces: list[bytes], names: list[str], method: str
) -> None:
    """What is plain is read without the parser."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            for piece in pieces:
                await peer.say(piece)
                await asyncio.sleep(0.01)

    line = await connect(serve, script)
    for _ in range(2 if method == "POST" else 1):
        handler = line.send(method=method)
        await handler.done()
        assert handler.events[0] == ("informational", 100)
        if method == "POST":
            assert (handler.names[1:], handler.body) == (names, b"hi")
        else:
            assert handler.body == b""
    assert line.connection.requests == (2 if method == "POST" else 1)


async def test_a_second_100_is_passed_on_too(serve: Serve) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        for piece in (SAID, SAID, SAID, answer(b"hi")):
            await peer.say(piece)
            await asyncio.sleep(0.01)

    line = await connect(serve, script)
    handler = line.send(method="POST")
    await handler.done()
    assert handler.events == [("informational", 100)] * 3 + [("whole", [])]


@pytest.mark.parametrize(
    "data",
    [
        answer(extra=b"Connection: close\r\n"),
        answer() + b"more",
        answer() + answer(),
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_connections_that_are_not_kept(serve: Serve, data: bytes) -> None:
    line = await connect(serve, always(data))
    handler = line.send()
    await handler.done()
    assert handler.names == ["whole"]
    assert line.keeper.gone == [line.connection]
    assert line.keeper.free == []
    await until(lambda: line.server.open == 0)


async def test_bytes_while_nobody_asked_end_the_connection(serve: Serve) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(answer())
        await peer.say(answer(b"planted"))
        await peer.rest()

    line = await connect(serve, script)
    handler = line.send()
    await handler.done()
    await until(lambda: line.keeper.gone)
    assert handler.body == b"ok"


async def test_an_end_while_nobody_asks_is_noticed_at_once(serve: Serve) -> None:
    line = await connect(serve, once(answer()))
    handler = line.send()
    await handler.done()
    await until(lambda: line.keeper.gone)
    assert not line.connection.open


async def test_an_unused_connection_is_closed_after_a_while(serve: Serve) -> None:
    line = await connect(serve, always(answer()), keep_alive=0.05)
    handler = line.send()
    await handler.done()
    await until(lambda: line.keeper.gone and line.server.open == 0)


async def test_an_old_connection_is_not_used_again(serve: Serve) -> None:
    line = await connect(serve, always(answer()), lifetime=0.0)
    handler = line.send()
    await handler.done()
    assert handler.body == b"ok"
    assert line.keeper.gone == [line.connection]


async def test_a_body_in_chunks_of_its_own(serve: Serve) -> None:
    bodies = []

    async def script(peer: Peer) -> None:
        await peer.head()
        bodies.append(await peer.until(b"0\r\n\r\n"))
        await peer.say(answer())
        await peer.rest()

    line = await connect(serve, script)
    handler = line.send(POST, "POST", body_follows=True, chunked=True)
    line.connection.write(b"hello")
    line.connection.write(b"")
    line.connection.write(b"x" * 20)
    line.connection.write_end()
    await handler.done()
    assert bodies == [b"5\r\nhello\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n"]
    assert line.connection.open


async def test_an_answer_before_the_request_has_ended_costs_the_connection(serve: Serve) -> None:
    line = await connect(serve, always(answer(status="413 Content Too Large")))
    handler = line.send(POST, "POST", body_follows=True, chunked=True)
    await handler.done()
    assert handler.head is not None
    assert handler.head.status == 413
    assert line.keeper.gone == [line.connection]
    line.connection.write(b"too late")
    line.connection.write_end()


async def test_a_slow_reader_holds_the_upstream_back(serve: Serve) -> None:
    size = 16 * 1024 * 1024
    sent = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        sent.set()
        await peer.rest()

    line = await connect(serve, script)
    handler = Recorder()
    handler.react = lambda event: line.connection.pause_reading() if event == "data" else None
    line.connection.send(handler, request(get()))
    await until(lambda: handler.body)
    await asyncio.sleep(0.05)
    assert len(handler.body) < size
    assert not sent.is_set()
    handler.react = lambda event: None
    line.connection.resume_reading()
    await handler.done()
    assert len(handler.body) == size


async def test_a_slow_upstream_holds_the_upload_back(serve: Serve) -> None:
    read_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await read_on.wait()
        await peer.skip_to(b"0\r\n\r\n")
        await peer.say(answer())
        await peer.rest()

    line = await connect(serve, script)
    handler = line.send(POST, "POST", body_follows=True, chunked=True)
    written = 0
    while not line.connection.writing_paused:
        line.connection.write(b"x" * 65536)
        written += 65536
        assert written < MOST_KEPT, "nobody is told to wait"
    assert handler.names[-1] == "pause"
    line.connection.write_end()
    read_on.set()
    await handler.done()
    assert "resume" in handler.names


async def test_aborted_the_sink_hears_nothing_more(serve: Serve) -> None:
    line = await connect(serve, always(answer()))
    handler = line.send()
    line.connection.abort()
    await until(lambda: line.server.connections and line.server.open == 0)
    assert handler.events == []
    assert line.keeper.gone == [line.connection]


@pytest.mark.parametrize("moment", ["informational", "head", "data"])
async def test_a_sink_may_abort_at_any_moment(serve: Serve, moment: str) -> None:
    line = await connect(
        serve, always(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
    )
    handler = Recorder()
    handler.react = lambda event: line.connection.abort() if event == moment else None
    line.connection.send(handler, request(get()))
    await until(lambda: line.keeper.gone)
    assert handler.names[-1] == moment


async def test_an_upstream_that_does_not_answer_is_slow(serve: Serve) -> None:
    line = await connect(serve, Peer.rest_of)
    handler = line.send(timeouts=replace(timeouts_of(), response=0.05))
    await handler.done()
    assert isinstance(handler.error, UpstreamSlow)
    assert line.keeper.gone == [line.connection]


async def test_the_time_for_an_answer_begins_with_the_requests_end(serve: Serve) -> None:
    line = await connect(serve, Peer.rest_of)
    handler = line.send(
        POST, "POST", body_follows=True, chunked=True, timeouts=replace(timeouts_of(), response=0.05)
    )
    await asyncio.sleep(0.1)
    assert handler.error is None
    line.connection.write_end()
    await handler.done()
    assert isinstance(handler.error, UpstreamSlow)


async def test_an_answer_that_stalls_is_slow(serve: Serve) -> None:
    line = await connect(serve, always(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"))
    handler = line.send(timeouts=replace(timeouts_of(), idle=0.05))
    await handler.done()
    assert handler.names == ["head", "data", "error"]
    assert isinstance(handler.error, UpstreamSlow)


async def test_a_reader_that_stalls_is_not_the_upstreams_fault(serve: Serve) -> None:
    line = await connect(serve, always(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"))
    handler = Recorder()
    handler.react = lambda event: line.connection.pause_reading() if event == "data" else None
    line.connection.send(handler, request(get(), timeouts=replace(timeouts_of(), idle=0.03)))
    await until(lambda: handler.body)
    await asyncio.sleep(0.1)
    assert handler.error is None
    line.connection.resume_reading()
    await handler.done()
    assert isinstance(handler.error, UpstreamSlow)


async def test_an_upload_that_stalls_is_slow(serve: Serve) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.Event().wait()

    line = await connect(serve, script)
    handler = line.send(
        POST, "POST", body_follows=True, chunked=True, timeouts=replace(timeouts_of(), idle=0.05)
    )
    while not line.connection.writing_paused:
        line.connection.write(b"x" * 65536)
    await handler.done()
    assert isinstance(handler.error, UpstreamSlow)


async def test_after_101_bytes_are_raw_both_ways(serve: Serve) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 early"
        )
        await peer.say(b"<" + await peer.exactly(4) + b">")

    line = await connect(serve, script)
    handler = line.send(upgrade=True)
    await until(lambda: handler.head)
    line.connection.write(b"ping")
    await until(lambda: handler.events[-1] == ("data", b""))
    assert handler.framing is UpstreamFraming.UPGRADE
    assert handler.body == b"HTTP/1.1 early<ping>"
    line.connection.abort()
    assert line.keeper.gone == [line.connection]


async def test_a_silent_tunnel_ends(serve: Serve) -> None:
    line = await connect(
        serve, always(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    )
    handler = line.send(upgrade=True, timeouts=replace(timeouts_of(), idle=0.05))
    await handler.done()
    assert isinstance(handler.error, UpstreamSlow)


async def test_the_next_exchange_may_begin_before_the_last_call(serve: Serve) -> None:
    line = await connect(serve, always(answer()))
    second = Recorder()
    first = Recorder()
    first.react = lambda event: line.connection.send(second, request(get()))
    line.connection.send(first, request(get()))
    await second.done()
    assert second.body == first.body == b"ok"
