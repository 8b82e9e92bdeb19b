"""Upgraded connections: raw bytes both ways."""

from __future__ import annotations

import asyncio

import pytest

from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.settings import Timeouts
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
    with pytest.raises(UpstreamBroken):
        await tunnel.write(b"x")
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
    upstream = await make_upstream((await serve(echo)).url, timeouts=Timeouts(idle=0.05))
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
