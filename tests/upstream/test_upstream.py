"""What a caller of an upstream sees: answers, connections kept, and each way it can fail."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.http.exchange import TimeoutOverrides
from gateway.upstream.errors import UpstreamBroken, UpstreamSlow, UpstreamUnavailable
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.upstream import Upstream
from tests.upstream.defaults import a_server, an_upstream, timeouts_of
from tests.upstream.fetching import FetchingUpstream
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import MakeUpstream, Peer, Serve, always, answer, get, until


async def test_an_answer_comes_back_as_it_was_sent(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer(b"hello", extra=b"X-A: 1\r\nx-a: \xe9\r\n")))
    upstream = await make_upstream(server.url)
    async with await upstream.fetch(get(), "GET") as response:
        assert response.head.status == 200
        assert response.head.reason == b"OK"
        assert response.head.headers == [(b"Content-Length", b"5"), (b"X-A", b"1"), (b"x-a", b"\xe9")]
        assert response.framing is UpstreamFraming.LENGTH
        assert response.take_whole() == b"hello"


async def test_a_connection_serves_many_requests(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer()))
    upstream = await make_upstream(server.url)
    for _ in range(5):
        async with await upstream.fetch(get(), "GET") as response:
            assert await response.read() == b"ok"
    assert server.connections == 1


async def test_by_callbacks_nothing_is_awaited(serve: Serve, make_upstream: MakeUpstream) -> None:
    upstream = await make_upstream((await serve(always(answer()))).url)
    first, second = Recorder(), Recorder()
    upstream.begin(first, UpstreamRequest(get(), "GET", timeouts_of()))
    assert first.events == []
    await first.done()
    tasks = len(asyncio.all_tasks())
    upstream.begin(second, UpstreamRequest(get(), "GET", timeouts_of()))
    assert len(asyncio.all_tasks()) == tasks
    await second.done()
    assert second.body == b"ok"
    assert upstream.active == 0


async def test_no_more_connections_than_allowed(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer()))
    upstream = await make_upstream(server.url, pool={"max_connections": 3})
    responses = await asyncio.gather(*(upstream.fetch(get(), "GET") for _ in range(30)))
    assert all(response.head.status == 200 for response in responses)
    assert server.connections <= 3


async def test_waiting_too_long_for_a_connection(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(Peer.rest_of)
    upstream = await make_upstream(server.url, pool={"max_connections": 1, "queue_timeout": 0.05})
    first = asyncio.create_task(upstream.fetch(get(), "GET"))
    await until(lambda: server.open)
    with pytest.raises(UpstreamUnavailable):
        await upstream.fetch(get(), "GET")
    first.cancel()


async def test_a_waiter_who_leaves_takes_no_connection(serve: Serve, make_upstream: MakeUpstream) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await go_on.wait()
            await peer.say(answer())

    upstream = await make_upstream((await serve(script)).url, pool={"max_connections": 1})
    first, leaver, last = (asyncio.create_task(upstream.fetch(get(), "GET")) for _ in range(3))
    await until(lambda: upstream.active == 3)
    leaver.cancel()
    go_on.set()
    assert (await first).head.status == 200
    assert (await last).head.status == 200
    assert upstream.active == 0


async def test_nobody_listens(make_upstream: MakeUpstream) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        upstream = await make_upstream(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(UpstreamBroken):
            await upstream.fetch(get(), "GET")
    assert upstream.active == 0


async def test_a_connection_that_is_never_accepted(make_upstream: MakeUpstream) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            upstream = await make_upstream(f"http://127.0.0.1:{port}", timeouts=timeouts_of(connect=0.1))
            with pytest.raises(UpstreamSlow):
                await upstream.fetch(get(), "GET")


async def test_servers_of_one_upstream_have_one_path(make_upstream: MakeUpstream) -> None:
    await make_upstream("http://a.test/v1", "http://b.test/v1/")
    with pytest.raises(ValueError, match="same path"):
        await make_upstream("http://a.test/v1", "http://b.test/v2")


async def test_before_its_start_an_upstream_takes_nothing() -> None:
    upstream = FetchingUpstream("test", an_upstream((a_server("http://a.test"),)))
    with pytest.raises(UpstreamUnavailable):
        await upstream.fetch(get(), "GET")
    await upstream.stop()


async def test_stopping_lets_what_is_in_flight_finish(serve: Serve, make_upstream: MakeUpstream) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await go_on.wait()
        await peer.say(answer())
        await peer.rest()

    server = await serve(script)
    upstream = await make_upstream(server.url)
    request = asyncio.create_task(upstream.fetch(get(), "GET"))
    await until(lambda: server.open)
    stopping = asyncio.create_task(upstream.stop(drain=10))
    await asyncio.sleep(0.02)
    with pytest.raises(UpstreamUnavailable):
        await upstream.fetch(get(), "GET")
    go_on.set()
    assert (await request).head.status == 200
    await stopping
    await until(lambda: server.open == 0)


async def test_stopping_has_an_end(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(Peer.rest_of)
    upstream = await make_upstream(server.url)
    request = asyncio.create_task(upstream.fetch(get(), "GET"))
    await until(lambda: server.open)
    await upstream.stop(drain=0.05)
    with pytest.raises(UpstreamUnavailable):
        await request


async def test_each_request_has_the_timeouts_that_it_asks_for() -> None:
    settings = an_upstream((a_server("http://127.0.0.1:1"),))
    upstream, plain = Upstream("orders", settings), settings.timeouts
    slow, quick = TimeoutOverrides(response=99.0), TimeoutOverrides(idle=0.5)
    for own in (slow, slow, quick, slow):
        assert upstream.timeouts_for(own) == plain.for_one(own)
    assert upstream.settings.timeouts == plain
