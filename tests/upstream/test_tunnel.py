"""Upgraded connections: raw bytes both ways."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

import pytest

from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.tunnel import HIGH_WATER, Tunnel
from gateway.upstream.upstream_call import UpstreamCall
from tests.upstream.defaults import timeouts_of
from tests.upstream.scripted import MakeUpstream, Peer, Serve, always, answer, until

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


async def echo(peer: Peer) -> None:
    await peer.head()
    await peer.say(SWITCHED + b"welcome")
    while data := await peer.reader.read(65536):
        await peer.say(data)


async def test_bytes_go_both_ways(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(echo)
    upstream = await make_upstream(server.url)
    response = await upstream.fetch(UPGRADE, "GET", upgrade=True)
    tunnel = response.upgraded
    assert tunnel is not None
    assert response.head.status == 101
    assert await tunnel.read() == b"welcome"
    await tunnel.write(b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    assert await tunnel.read() == b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    tunnel.close()
    assert upstream.active == 0
    await until(lambda: server.open == 0)


async def test_the_upstream_ends_it(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED + b"bye")

    upstream = await make_upstream((await serve(script)).url)
    tunnel = (await upstream.fetch(UPGRADE, "GET", upgrade=True)).upgraded
    assert tunnel is not None
    assert [await tunnel.read(), await tunnel.read(), await tunnel.read()] == [b"bye", b"", b""]
    tunnel.close()
    assert upstream.active == 0


async def test_each_direction_ends_by_itself(serve: Serve, make_upstream: MakeUpstream) -> None:
    received = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED + b"bye")
        peer.writer.write_eof()
        received.set_result(await peer.rest())

    upstream = await make_upstream((await serve(script)).url)
    tunnel = (await upstream.fetch(UPGRADE, "GET", upgrade=True)).upgraded
    assert tunnel is not None
    assert [await tunnel.read(), await tunnel.read()] == [b"bye", b""]
    await tunnel.write(b"still ")
    await tunnel.write(b"here")
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

    upstream = await make_upstream((await serve(script)).url)
    tunnel = (await upstream.fetch(UPGRADE, "GET", upgrade=True)).upgraded
    assert tunnel is not None
    await tunnel.write(b"x")
    assert await tunnel.read() == b""
    with pytest.raises(UpstreamBroken):
        await tunnel.write(b"x")
    assert not tunnel.write_end()
    tunnel.close()


async def test_a_slow_upstream_holds_the_writer_back(serve: Serve, make_upstream: MakeUpstream) -> None:
    read_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCHED)
        await read_on.wait()
        await peer.skip_to(b"end")
        await peer.say(b"got it")

    upstream = await make_upstream((await serve(script)).url)
    tunnel = (await upstream.fetch(UPGRADE, "GET", upgrade=True)).upgraded
    assert tunnel is not None
    writing = asyncio.create_task(tunnel.write(bytes(16 * 1024 * 1024)))
    await asyncio.sleep(0.05)
    assert not writing.done()
    read_on.set()
    await writing
    await tunnel.write(b"end")
    assert await tunnel.read() == b"got it"


async def test_a_silent_tunnel_ends(serve: Serve, make_upstream: MakeUpstream) -> None:
    upstream = await make_upstream((await serve(echo)).url, timeouts=timeouts_of(idle=0.05))
    tunnel = (await upstream.fetch(UPGRADE, "GET", upgrade=True)).upgraded
    assert tunnel is not None
    assert await tunnel.read() == b"welcome"
    with pytest.raises(UpstreamSlow):
        await tunnel.read()
    with pytest.raises(UpstreamError):
        await tunnel.write(b"x")


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
    """In place of a call: shows whether the upstream is read."""

    def __init__(self) -> None:
        self.open = True

    def pause_reading(self) -> None:
        self.open = False

    def resume_reading(self) -> None:
        self.open = True


async def test_a_slow_reader_holds_the_upstream_back_until_most_is_taken() -> None:
    tap = Tap()
    tunnel = Tunnel(cast(UpstreamCall, tap))
    for _ in range(5):
        tunnel.on_data(bytes(HIGH_WATER // 4))
    assert not tap.open
    for taken in range(3):
        await tunnel.read()
        assert not tap.open, taken
    await tunnel.read()
    assert tap.open


async def test_what_came_before_an_error_is_read_first() -> None:
    tunnel = Tunnel(cast(UpstreamCall, Tap()))
    tunnel.on_data(b"x")
    tunnel.on_error(UpstreamBroken("gone"))
    assert await tunnel.read() == b"x"
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await tunnel.read()


async def test_a_piece_is_waited_for() -> None:
    tunnel = Tunnel(cast(UpstreamCall, Tap()))
    waiting = asyncio.create_task(tunnel.read())
    await asyncio.sleep(0)
    tunnel.on_data(b"x")
    tunnel.on_end([])
    assert [await waiting, await tunnel.read()] == [b"x", b""]
