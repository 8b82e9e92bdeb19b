"""Several servers: who is chosen, who gets a rest, and where a failed request goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.circuit_breaker import BreakerState
from gateway.upstream.errors import UpstreamBroken, UpstreamUnavailable
from gateway.upstream.upstream import Upstream
from tests.ports import free_port
from tests.upstream.defaults import a_server, breaker_of, retries_of
from tests.upstream.scripted import MakeUpstream, Peer, Script, Serve, always, answer, get, until

NEVER = retries_of(attempts=0)


async def bodies(upstream: Upstream, count: int, key: bytes = b"") -> Counter[bytes]:
    taken: Counter[bytes] = Counter()
    for _ in range(count):
        taken[await (await upstream.fetch(get(), "GET", key=key)).read()] += 1
    return taken


async def dies(peer: Peer) -> None:
    await peer.head()
    peer.reset()


def refused_url() -> str:
    """Where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


async def test_requests_are_shared_by_weight(serve: Serve, make_upstream: MakeUpstream) -> None:
    heavy, light = await serve(always(answer(b"heavy"))), await serve(always(answer(b"light")))
    upstream = await make_upstream(a_server(heavy.url, weight=3), light.url)
    assert await bodies(upstream, 8) == {b"heavy": 6, b"light": 2}


async def test_by_hash_a_key_keeps_its_server(serve: Serve, make_upstream: MakeUpstream) -> None:
    servers = [await serve(always(answer(name))) for name in (b"a", b"b", b"c")]
    upstream = await make_upstream(*(server.url for server in servers), balance="hash")
    assert len(await bodies(upstream, 5, key=b"client-1")) == 1


async def test_by_least_requests_the_busy_are_spared(serve: Serve, make_upstream: MakeUpstream) -> None:
    busy, idle = await serve(Peer.rest_of), await serve(always(answer(b"idle")))
    upstream = await make_upstream(busy.url, idle.url, balance="least_requests")
    waiting = []
    while not busy.open:
        waiting.append(asyncio.create_task(upstream.fetch(get(), "GET")))
        await asyncio.sleep(0.01)
    await until(lambda: upstream.active == busy.open)
    assert await bodies(upstream, 5) == {b"idle": 5}
    for task in waiting:
        task.cancel()


async def test_a_server_that_refuses_is_passed_over(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer()))
    upstream = await make_upstream(refused_url(), server.url)
    for method in ("GET", "POST"):
        for _ in range(2):
            assert (await upstream.fetch(get("/", method), method)).head.status == 200


async def test_a_streamed_body_goes_to_the_next_server(serve: Serve, make_upstream: MakeUpstream) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            got.append(await peer.exactly(4))
            await peer.say(answer())

    async def body() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    upstream = await make_upstream((await serve(script)).url, refused_url())
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
    for _ in range(2):
        assert (await upstream.fetch(head, "POST", body())).head.status == 200
    assert got == [b"abcd"] * 2


async def test_without_retries_a_failure_is_reported(serve: Serve, make_upstream: MakeUpstream) -> None:
    upstream = await make_upstream(refused_url(), (await serve(always(answer()))).url, retries=NEVER)
    outcomes = await asyncio.gather(*(upstream.fetch(get(), "GET") for _ in range(4)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "UpstreamBroken",
        "UpstreamBroken",
        "UpstreamResponse",
        "UpstreamResponse",
    ]


def busy_first(times: int) -> Script:
    """Answers 503 to the first requests, then 200."""
    left = [times]

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            if left[0]:
                left[0] -= 1
                await peer.say(answer(b"busy", status="503 Service Unavailable"))
            else:
                await peer.say(answer())

    return script


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("DELETE", 200), ("POST", 503)])
async def test_a_status_is_retried_where_it_is_safe(
    serve: Serve, make_upstream: MakeUpstream, method: str, status: int
) -> None:
    upstream = await make_upstream((await serve(busy_first(1))).url)
    response = await upstream.fetch(get("/", method), method)
    assert response.head.status == status
    assert upstream.active == 0


async def test_the_last_answer_counts_when_retries_are_used_up(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    upstream = await make_upstream((await serve(busy_first(9))).url)
    response = await upstream.fetch(get(), "GET")
    assert (response.head.status, response.take_whole()) == (503, b"busy")


async def test_a_long_answer_that_is_not_wanted_is_not_read(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    unwanted = await serve(always(b"HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\nhello"))
    wanted = await serve(always(answer()))
    upstream = await make_upstream(unwanted.url, wanted.url)
    assert await bodies(upstream, 2) == {b"ok": 2}
    await until(lambda: unwanted.connections and unwanted.open == 0)


async def test_a_reset_is_retried_elsewhere_if_so_wished(serve: Serve, make_upstream: MakeUpstream) -> None:
    retries = retries_of(attempts=1, on=frozenset({"reset"}))
    upstream = await make_upstream(
        (await serve(dies)).url, (await serve(always(answer()))).url, retries=retries
    )
    assert await bodies(upstream, 3) == {b"ok": 3}
    posts = [upstream.fetch(get("/", "POST"), "POST") for _ in range(2)]
    outcomes = await asyncio.gather(*posts, return_exceptions=True)
    assert [isinstance(outcome, UpstreamBroken) for outcome in outcomes].count(True) == 1


async def test_retries_do_not_multiply_an_outage(serve: Serve, make_upstream: MakeUpstream) -> None:
    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            await peer.head()
            asked += 1
            await peer.say(answer(status="503 Service Unavailable"))

    upstream = await make_upstream((await serve(script)).url)
    for _ in range(100):
        await upstream.fetch(get(), "GET")
    assert 120 <= asked <= 135


def end_of_rest(upstream: Upstream) -> None:
    upstream.servers[0].health.breaker._until = 0.0


async def test_a_failing_server_gets_a_rest_and_one_request_decides(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    mood = {"well": False}
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.head())
        if mood["well"]:
            await peer.say(answer())
            await peer.rest()
        else:
            peer.reset()

    upstream = await make_upstream(
        (await serve(script)).url, breaker=breaker_of(failures=3, open_for=60.0), retries=NEVER
    )
    for _ in range(3):
        with pytest.raises(UpstreamBroken):
            await upstream.fetch(get(), "GET")
    with pytest.raises(UpstreamUnavailable) as refused:
        await upstream.fetch(get(), "GET")
    assert 1 < refused.value.retry_after <= 60
    assert len(asked) == 3
    end_of_rest(upstream)
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    assert not upstream.servers[0].health.available(asyncio.get_running_loop().time())
    mood["well"] = True
    end_of_rest(upstream)
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    assert upstream.servers[0].health.breaker.state is BreakerState.CLOSED


async def test_while_one_request_decides_others_are_sent_away(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        if peer.number == 0:
            peer.reset()
            return
        await go_on.wait()
        await peer.say(answer())
        await peer.rest()

    server = await serve(script)
    upstream = await make_upstream(server.url, breaker=breaker_of(failures=1, open_for=0.0), retries=NEVER)
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    leaver = asyncio.create_task(upstream.fetch(get(), "GET"))
    await until(lambda: server.connections == 2)
    with pytest.raises(UpstreamUnavailable):
        await upstream.fetch(get(), "GET")
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    go_on.set()
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    assert upstream.servers[0].health.breaker.calm
