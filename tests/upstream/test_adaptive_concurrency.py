"""Adaptive concurrency: the rule in virtual time, against a server with a queue, and with real servers."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from gateway.upstream.adaptive_concurrency import (
    UNUSED,
    AdaptiveConcurrencySettings,
    ConcurrencyLimiter,
)
from gateway.upstream.errors import UpstreamOverloaded
from tests.upstream.scripted import MakeUpstream, Peer, Serve, always, answer, get, until

WORKERS, SERVICE = 10, 0.02
CAPACITY = WORKERS / SERVICE
"""Requests a second that the simulated server can answer."""


def settings_of(**changes: float) -> AdaptiveConcurrencySettings:
    values = {"min_concurrency": 3, "max_concurrency": 256, "buffer": 0.25, "min_rtt_interval": 10.0}
    return AdaptiveConcurrencySettings(**{**values, **changes})  # type: ignore[arg-type]  # numbers of both kinds


Shape = Callable[[Random], float]
"""Draws how long a request takes the server, in times of the mean."""


def constant(_: Random) -> float:
    return 1.0


def exponential(chance: Random) -> float:
    return chance.expovariate(1)


def mixed(chance: Random) -> float:
    """A tenth takes eleven times as long as the others."""
    return chance.expovariate(2) if chance.random() < 0.9 else chance.expovariate(1 / 5.5)


@dataclass
class Simulation:
    """An open loop: requests come at random times, whatever becomes of those before them."""

    limiter: ConcurrencyLimiter
    workers: int = WORKERS
    service: float = SERVICE
    now: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    _chance: Random = field(default_factory=lambda: Random(5))  # noqa: S311 (no secret)
    _free: list[float] = field(default_factory=list)
    _answers: list[tuple[float, float, object]] = field(default_factory=list)
    status: int = 200
    shape: Shape | None = None
    """How times of service are distributed; None: evenly, by `spread` both ways."""

    @property
    def capacity(self) -> float:
        """Requests a second that it can answer now."""
        return self.workers / self.service

    @property
    def waiting(self) -> int:
        """Requests that the server has not answered."""
        return len(self._answers)

    def goodput(self, load: float, seconds: float) -> float:
        """The share of the capacity that is used while `load` times as much is offered."""
        before = len(self.latencies)
        self.run(load * self.capacity, seconds)
        return (len(self.latencies) - before) / seconds / self.capacity

    def stall(self, seconds: float) -> None:
        """All workers stop for a while."""
        self._free = [max(free, self.now) + seconds for free in self._free]

    def run(self, rate: float, seconds: float, *, spread: float = 0.5) -> None:
        """Requests at `rate` a second."""
        end = self.now + seconds
        free = self._free or [0.0] * self.workers
        self._free = free
        while (coming := self.now + self._chance.expovariate(rate)) < end:
            self.now = coming
            self._answer()
            if not self.limiter.has_room(self.now):
                self.limiter.refuse()
                self.refused.append(self.now)
                continue
            call = object()
            self.limiter.began(call, self.now)
            chance, shape = self._chance, self.shape
            took = self.service * (shape(chance) if shape else chance.uniform(1 - spread, 1 + spread))
            done = max(heapq.heappop(free), self.now) + took
            heapq.heappush(free, done)
            heapq.heappush(self._answers, (done, self.now, call))
        self.now = end
        self._answer()

    def _answer(self) -> None:
        while self._answers and self._answers[0][0] <= self.now:
            done, sent, call = heapq.heappop(self._answers)
            self.limiter.responded(call, self.status, done)
            self.latencies.append(done - sent)


def simulation(**changes: float) -> Simulation:
    return Simulation(ConcurrencyLimiter(settings_of(**changes), 0.0))


def p99(latencies: list[float]) -> float:
    return sorted(latencies)[int(len(latencies) * 0.99)]


def test_adaptive_concurrency_keeps_latency_low_at_twice_the_capacity() -> None:
    run = simulation()
    run.run(CAPACITY / 2, 5)
    assert run.refused == []
    run.latencies.clear()
    run.run(2 * CAPACITY, 30)
    assert p99(run.latencies) < 0.1
    assert len(run.latencies) > 0.95 * 30 * CAPACITY  # next to nothing of the capacity is lost
    assert len(run.refused) > 0.9 * 30 * CAPACITY
    end = run.now
    run.run(CAPACITY / 2, 5)
    assert not [when for when in run.refused if when > end + 1]


SHAPES = {"constant": constant, "exponential": exponential, "mixed": mixed}
SERVERS = [(1, 0.005), (10, 0.02), (50, 0.05)]
"""Workers, and seconds that a request takes one of them on average."""


def of_shape(shape: str, workers: int, service: float) -> Simulation:
    made = Simulation(ConcurrencyLimiter(settings_of(), 0.0), workers, service, shape=SHAPES[shape])
    made.run(made.capacity / 2, 5)
    made.refused.clear()
    made.latencies.clear()
    return made


@pytest.mark.parametrize(("workers", "service"), SERVERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_capacity_leaves_latency_and_throughput(shape: str, workers: int, service: float) -> None:
    run = of_shape(shape, workers, service)
    chance = Random(1)  # noqa: S311 (no secret)
    alone = p99([service * SHAPES[shape](chance) for _ in range(10_000)])
    assert run.goodput(2, 20) > 0.9
    # A server with one worker has a queue of two and more (`min_concurrency`) at all times.
    assert p99(run.latencies) < max(0.09, 3 * alone)
    end = run.now
    run.run(run.capacity / 4, 5)
    late = [when for when in run.refused if when > end + 1]
    assert len(late) <= 0.01 * 5 * run.capacity / 4


@pytest.mark.parametrize(("workers", "service"), SERVERS)
@pytest.mark.parametrize("shape", ["constant", "exponential"])
def test_a_server_that_becomes_slower_is_used_to_its_capacity(
    shape: str, workers: int, service: float
) -> None:
    """Its latency doubles: that is no queue, and a lower limit would only waste what it can do."""
    run = of_shape(shape, workers, service)
    run.run(0.8 * run.capacity, 5)
    run.service *= 2
    assert run.goodput(1.6, 10) > 0.8
    assert run.goodput(1.6, 10) > 0.85
    run.service /= 2
    run.goodput(0.8, 1)
    assert run.goodput(0.8, 5) > 0.95 * 0.8


@pytest.mark.parametrize("shape", SHAPES)
def test_a_ramp_is_not_refused(shape: str) -> None:
    """From next to nothing to three quarters of the capacity, in five seconds."""
    run = Simulation(ConcurrencyLimiter(settings_of(), 0.0), 100, 0.02, shape=SHAPES[shape])
    for share in range(1, 76):
        run.run(share / 100 * run.capacity, 5 / 75)
    run.run(0.75 * run.capacity, 2)
    assert len(run.refused) <= 0.001 * len(run.latencies)


def test_a_burst_is_not_refused() -> None:
    """As many as the reserve, at once, again and again, between requests now and then."""
    run = of_shape("constant", 4, 0.01)
    for _ in range(20):
        run.run(run.capacity * 40, UNUSED / run.capacity / 40 * 0.6)
        run.run(run.capacity / 20, 0.3)
    assert run.refused == []


def test_a_stall_is_over_within_a_second() -> None:
    """The server stops for half a second, as for the collection of garbage."""
    run = of_shape("constant", 50, 0.02)
    run.stall(0.5)
    run.run(0.6 * run.capacity, 1.5)
    run.refused.clear()
    run.run(0.6 * run.capacity, 5)
    assert run.refused == []


def test_without_it_the_queue_would_grow_to_the_connections() -> None:
    """The same load shows that the simulation can fail."""
    run = simulation(min_concurrency=256)
    run.run(2 * CAPACITY, 10)
    assert p99(run.latencies) > 0.4


@pytest.mark.parametrize("load", [0.1, 0.5, 0.8])
def test_nothing_is_refused_below_the_capacity(load: float) -> None:
    run = Simulation(ConcurrencyLimiter(settings_of(), 0.0), workers=100)
    run.run(load * 100 / SERVICE, 10, spread=0.95)
    assert run.refused == []


def test_a_server_that_becomes_slower_gets_fewer() -> None:
    run = simulation()
    run.run(CAPACITY * 0.8, 5)
    run.service *= 4
    run.run(CAPACITY * 0.8, 5)
    run.latencies.clear()
    run.run(CAPACITY * 0.8, 20)
    assert p99(run.latencies) < 0.4  # of 0.08 for the service alone; the connections would allow 2 s


def test_a_server_that_becomes_faster_gets_more_within_a_second() -> None:
    run = simulation()
    run.run(2 * CAPACITY, 10)
    low = run.limiter.limit
    run.service /= 4
    run.run(2 * CAPACITY, 1)
    run.refused.clear()
    run.run(2 * CAPACITY, 5)
    assert low < 40
    assert run.refused == []


def test_the_limit_stays_within_its_bounds() -> None:
    run = simulation(min_concurrency=5, max_concurrency=12)
    run.run(10 * CAPACITY, 5)
    assert 5 <= run.limiter.limit <= 12
    few = simulation(min_concurrency=50, max_concurrency=12)
    assert few.limiter.limit == 12  # max_connections is the harder bound


def test_a_server_that_nobody_asks_keeps_a_reserve_and_no_more() -> None:
    run = simulation()
    assert run.limiter.limit == 256  # nothing is known yet: nothing is refused
    run.run(50, 5)
    assert run.limiter.limit == UNUSED


def test_refusals_of_the_server_shrink_the_limit_though_they_come_fast() -> None:
    run = simulation()
    run.run(CAPACITY / 2, 5)
    run.status, run.service = 503, 0.0001
    run.run(CAPACITY, 10)
    assert run.limiter.limit == 3


def test_long_polls_are_no_samples_and_take_no_room() -> None:
    run = simulation()
    polls = [object() for _ in range(200)]
    for poll in polls:
        run.limiter.began(poll, 0.0)
    run.run(CAPACITY / 2, 5)
    for poll in polls:
        run.limiter.responded(poll, 200, run.now)
    run.refused.clear()
    run.run(CAPACITY / 2, 5)
    assert run.refused == []
    assert run.limiter.limit >= UNUSED


def test_long_polls_that_fill_the_limit_at_once_shut_nobody_out() -> None:
    run = simulation()
    run.run(CAPACITY / 2, 5)
    for _ in range(200):
        run.limiter.began(object(), run.now)
    begun = run.now
    run.run(CAPACITY / 2, 10)
    assert not [when for when in run.refused if when > begun + 2]


@pytest.mark.parametrize("factor", [40, 200])
def test_a_server_that_becomes_very_slow_gets_few(factor: int) -> None:
    """Its responses are as late as those to long polls, but all of them are."""
    run = simulation()
    run.run(CAPACITY / 2, 5)
    run.service *= factor
    run.run(CAPACITY / 2, 20)
    assert run.waiting < 40
    run.refused.clear()
    run.service = SERVICE
    run.run(CAPACITY / 2, 20)
    assert not [when for when in run.refused if when > run.now - 5]


def test_a_server_that_answers_nothing_gets_one_request_a_second_beyond_the_limit() -> None:
    run = simulation()
    run.run(CAPACITY / 2, 5)
    run.stall(20)
    run.run(CAPACITY / 2, 15)
    assert run.waiting <= run.limiter.limit + 15


def test_a_request_that_left_without_a_response_takes_no_room() -> None:
    limiter = ConcurrencyLimiter(settings_of(max_concurrency=3), 0.0)
    calls = [object() for _ in range(3)]
    for call in calls:
        limiter.began(call, 0.0)
    assert not limiter.has_room(0.1)
    limiter.left(calls[0])
    limiter.left(calls[0])
    assert limiter.has_room(0.1)
    limiter.responded(calls[0], 200, 0.1)  # of no effect: it has left


def test_clients_that_are_slow_to_send_their_bodies_say_nothing_of_the_server() -> None:
    run = simulation()
    run.run(CAPACITY / 2, 5)
    limit = run.limiter.limit
    uploads = [object() for _ in range(200)]
    for upload in uploads:
        run.limiter.began(upload, run.now, whole=False)
    run.run(CAPACITY / 2, 5)
    for upload in uploads:
        run.limiter.sent(upload, run.now)
        run.limiter.responded(upload, 200, run.now + SERVICE)
    run.run(CAPACITY / 2, 5)
    assert run.refused == []
    assert run.limiter.limit >= limit


def test_an_upload_counts_from_its_last_byte_until_its_response() -> None:
    limiter = ConcurrencyLimiter(settings_of(max_concurrency=1), 0.0)
    early, whole, given_up = object(), object(), object()
    for call in (early, whole, given_up):
        limiter.began(call, 0.0, whole=False)
    limiter.responded(early, 413, 0.1)
    limiter.left(given_up)
    for call in (early, given_up):
        limiter.sent(call, 0.2)
    assert limiter.has_room(0.2)
    limiter.sent(whole, 0.2)
    assert not limiter.has_room(0.2)
    limiter.responded(whole, 200, 0.3)
    assert limiter.has_room(0.3)


def test_equal_responses_leave_the_gradient_defined() -> None:
    """Latencies of nothing at all, as a coarse clock may measure them."""
    limiter = ConcurrencyLimiter(settings_of(), 0.0)
    for number in range(1000):
        call = object()
        limiter.began(call, number / 100)
        limiter.responded(call, 200, number / 100)
    assert limiter.limit >= UNUSED


# With real servers.

ONE = settings_of(min_concurrency=1, max_concurrency=1)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_a_server_at_its_limit_is_passed_over(serve: Serve, make_upstream: MakeUpstream) -> None:
    slow, idle = await serve(Peer.rest_of), await serve(always(answer(b"idle")))
    upstream = await make_upstream(slow.url, idle.url, adaptive_concurrency=ONE)
    waiting = asyncio.create_task(upstream.fetch(get(), "GET"))
    await until(lambda: slow.open)
    for _ in range(4):
        async with await upstream.fetch(get(), "GET") as response:
            assert await response.read() == b"idle"
    waiting.cancel()


async def test_at_the_limit_of_all_servers_a_request_is_refused_at_once(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    slow = await serve(Peer.rest_of)
    upstream = await make_upstream(slow.url, adaptive_concurrency=ONE)
    waiting = asyncio.create_task(upstream.fetch(get(), "GET"))
    await until(lambda: slow.open)
    with pytest.raises(UpstreamOverloaded, match=rf"{slow.url}: 1") as refused:
        await upstream.fetch(get(), "GET")
    assert refused.value.retry_after == 1
    waiting.cancel()
    await until(lambda: not upstream.active)
    limiter = upstream.servers[0].concurrency
    assert limiter is not None
    assert limiter.has_room(asyncio.get_running_loop().time())  # who has left takes no room


async def test_a_body_takes_room_only_once_it_is_complete(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        while b"POST" in await peer.head():
            await peer.exactly(2)
        await peer.say(answer())

    end = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"o"
        await end.wait()
        yield b"k"

    upstream = await make_upstream((await serve(script)).url, adaptive_concurrency=ONE)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
    uploads = [asyncio.create_task(upstream.fetch(head, "POST", slow())) for _ in range(3)]
    await until(lambda: upstream.active == 3)
    async with await upstream.fetch(get(), "GET") as response:
        assert response.head.status == 200
    end.set()
    limiter = upstream.servers[0].concurrency
    assert limiter is not None
    await until(lambda: not limiter.has_room(0.0))  # they wait for their responses
    for upload in uploads:
        upload.cancel()


async def test_streams_that_go_on_take_no_room(serve: Serve, make_upstream: MakeUpstream) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(STREAM)
        await peer.rest_of()

    upstream = await make_upstream((await serve(script)).url, adaptive_concurrency=ONE)
    streams = [await upstream.fetch(get(), "GET") for _ in range(5)]
    assert [stream.head.status for stream in streams] == [200] * 5
    assert upstream.active == 5
    for stream in streams:
        await stream.__aexit__(None, None, None)
