"""Upgraded connections: raw bytes both ways."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

import pytest

from gateway.http.exchange import Headers
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.response_handler import ResponseHandler
from gateway.upstream.tunnel import AfterUpgrade, Tunnel
from gateway.upstream.upstream_call import UpstreamCall
from tests.upstream.defaults import timeouts_of
from tests.upstream.scripted import MakeUpstream, Peer, Serve, always, answer, until

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


class Taken(AfterUpgrade):
    """What has come out of a tunnel."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = False
        self.error: UpstreamError | None = None
        self.room = True

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    def on_data(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_end(self, trailers: Headers) -> None:
        self.ended = True

    def on_error(self, error: UpstreamError) -> None:
        self.error = error

    def pause_writing(self) -> None:
        self.room = False

    def resume_writing(self) -> None:
        self.room = True


async def opened(upstream: MakeUpstream, url: str, **options: object) -> tuple[Tunnel, Taken]:
    made = await upstream(url, **options)
    tunnel = (await made.fetch(UPGRADE, "GET", upgrade=True)).upgraded
    assert tunnel is not None
    taken = Taken()
    tunnel.give_to(taken)
    return tunnel, taken


async def echo(peer: Peer) -> None:
    await peer.head()
    await peer.say(SWITCHED + b"welcome")
    while data := await peer.reader.read(65536):
        await peer.say(data)


async def test_bytes_go_both_ways(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(echo)
    upstream = await make_upstream(server.url)
    response = await upstream.fetch(UPGRADE, "GET", upgrade=True)
    tunnel, taken = response.upgraded, Taken()
    assert tunnel is not None
    assert response.head.status == 101
    tunnel.give_to(taken)
    await until(lambda: taken.data == b"welcome")
    tunnel.write(b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    await until(lambda: taken.data == b"welcome0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    tunnel.close()
    assert upstream.active == 0
    await until(lambda: server.open == 0)


async def test_the_upstream_ends_it(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED + b"bye")

    tunnel, taken = await opened(make_upstream, (await serve(script)).url)
    await until(lambda: b"" in taken.pieces)
    assert taken.pieces == [b"bye", b""]
    tunnel.close()


async def test_each_direction_ends_by_itself(serve: Serve, make_upstream: MakeUpstream) -> None:
    received = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED + b"bye")
        peer.writer.write_eof()
        received.set_result(await peer.rest())

    tunnel, taken = await opened(make_upstream, (await serve(script)).url)
    await until(lambda: taken.pieces == [b"bye", b""])
    tunnel.write(b"still ")
    tunnel.write(b"here")
    assert tunnel.write_end()
    assert await received == b"still here"
    tunnel.close()


async def test_an_upstream_that_is_gone_takes_nothing(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED)
        await peer.exactly(1)
        # By RST: a FIN would be the end of one direction alone.
        peer.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        peer.reset()

    tunnel, taken = await opened(make_upstream, (await serve(script)).url)
    tunnel.write(b"x")
    await until(lambda: taken.ended)
    tunnel.write(b"x")
    assert not tunnel.write_end()
    tunnel.close()


async def test_a_slow_upstream_says_so(serve: Serve, make_upstream: MakeUpstream) -> None:
    read_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED)
        await read_on.wait()
        await peer.skip_to(b"end")
        await peer.say(b"got it")

    tunnel, taken = await opened(make_upstream, (await serve(script)).url)
    tunnel.write(bytes(16 * 1024 * 1024))
    assert not taken.room
    read_on.set()
    await until(lambda: taken.room)
    tunnel.write(b"end")
    await until(lambda: taken.data == b"got it")


async def test_a_silent_tunnel_ends(serve: Serve, make_upstream: MakeUpstream) -> None:
    tunnel, taken = await opened(make_upstream, (await serve(echo)).url, timeouts=timeouts_of(idle=0.05))
    await until(lambda: taken.error)
    assert taken.data == b"welcome"
    assert isinstance(taken.error, UpstreamSlow)
    assert not tunnel.write_end()


async def test_the_upstream_may_refuse(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer(status="403 Forbidden")))
    upstream = await make_upstream(server.url)
    for _ in range(2):
        response = await upstream.fetch(UPGRADE, "GET", upgrade=True)
        assert response.upgraded is None
        assert response.head.status == 403
    assert server.connections == 1


async def test_an_upgrade_that_nobody_asked_for(serve: Serve, make_upstream: MakeUpstream) -> None:
    upstream = await make_upstream((await serve(echo)).url)
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(UPGRADE, "GET")


class Tap:
    """In place of a call: shows whether the upstream is read, and who gets what comes."""

    def __init__(self) -> None:
        self.open = True
        self.handler: ResponseHandler | None = None

    def hand_over(self, handler: ResponseHandler) -> None:
        self.handler = handler

    def write(self, data: bytes) -> None:
        raise AssertionError("nobody writes here")

    def pause_reading(self) -> None:
        self.open = False

    def resume_reading(self) -> None:
        self.open = True


def test_until_somebody_takes_it_the_upstream_is_not_read() -> None:
    tap, taken = Tap(), Taken()
    tunnel = Tunnel(cast(UpstreamCall, tap))
    assert (tap.handler, tap.open) == (tunnel, False)
    tunnel.on_data(b"came with the 101")
    tunnel.give_to(taken)
    assert (tap.handler, tap.open, taken.pieces) == (taken, True, [b"came with the 101"])


@pytest.mark.parametrize("error", [UpstreamBroken("gone"), None])
def test_what_came_before_an_end_is_given_first(error: UpstreamError | None) -> None:
    taken = Taken()
    tunnel = Tunnel(cast(UpstreamCall, Tap()))
    tunnel.on_data(b"x")
    if error is None:
        tunnel.on_end([])
    else:
        tunnel.on_error(error)
    tunnel.give_to(taken)
    assert (taken.pieces, taken.ended, taken.error) == ([b"x"], error is None, error)


def test_it_can_be_held_back() -> None:
    tap = Tap()
    tunnel = Tunnel(cast(UpstreamCall, tap))
    tunnel.give_to(Taken())
    tunnel.pause()
    assert not tap.open
    tunnel.resume()
    assert tap.open
