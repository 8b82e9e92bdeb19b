"""Who gets which connection, who waits, and who is sent away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.pool import Pool
from gateway.upstream.settings import PoolSettings
from tests.upstream.scripted import until


class Wire:
    """In place of a connection: the pool does no I/O, so it needs none."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.open = True

    def make_idle(self) -> None:
        self.pool.released(cast(UpstreamConnection, self))

    def fail(self, error: UpstreamError) -> None:
        self.abort()

    def abort(self) -> None:
        if self.open:
            self.open = False
            self.pool.lost(cast(UpstreamConnection, self))


class Guest:
    """Waits for a connection."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.error: UpstreamError | None = None

    def on_connection(self, connection: UpstreamConnection) -> None:
        self.connection = connection

    def on_no_connection(self, error: UpstreamError) -> None:
        self.error = error


class Bench:
    """A pool, and the openings it has asked for."""

    def __init__(self, **settings: Any) -> None:
        self.asked = 0
        self.pool = Pool(asyncio.get_running_loop(), replace(PoolSettings(), **settings), self._ask)

    def _ask(self) -> None:
        self.asked += 1

    def opened(self) -> Wire:
        wire = Wire(self.pool)
        self.pool.opened(cast(UpstreamConnection, wire))
        return wire

    def guest(self) -> Guest:
        guest = Guest()
        self.pool.wait(guest)
        return guest

    def give_back(self, wire: Wire) -> None:
        self.pool.released(cast(UpstreamConnection, wire))


async def test_the_connection_used_last_is_taken_first() -> None:
    bench = Bench()
    guests = [bench.guest() for _ in range(3)]
    wires = [bench.opened() for _ in range(3)]
    assert [guest.connection for guest in guests] == wires
    for wire in wires:
        bench.give_back(wire)
    taken: list[Any] = [bench.pool.take() for _ in range(4)]
    assert taken == [*reversed(wires), None]


async def test_a_dead_connection_is_never_given() -> None:
    bench = Bench()
    bench.guest()
    first = bench.opened()
    bench.give_back(first)
    first.abort()
    assert bench.pool.take() is None
    assert bench.pool.size == 0


async def test_no_more_connections_than_allowed() -> None:
    bench = Bench(max_connections=2)
    guests = [bench.guest() for _ in range(5)]
    assert bench.asked == 2
    wires = [bench.opened(), bench.opened()]
    bench.give_back(wires[0])
    assert guests[2].connection is wires[0]
    wires[1].abort()
    assert bench.asked == 3
    bench.opened()
    assert guests[3].connection
    assert guests[4].connection is None
    assert bench.pool.size == 2


async def test_the_line_is_first_come_first_served() -> None:
    bench = Bench(max_connections=1)
    guests = [bench.guest() for _ in range(3)]
    wire = bench.opened()
    bench.give_back(wire)
    assert guests[1].connection is wire
    assert guests[2].connection is None


async def test_who_leaves_the_line_gets_nothing() -> None:
    bench = Bench(max_connections=1)
    bench.guest()
    leaver, stayer = bench.guest(), bench.guest()
    wire = bench.opened()
    bench.pool.leave(leaver)
    bench.pool.leave(leaver)
    bench.give_back(wire)
    assert leaver.connection is None
    assert stayer.connection is wire


async def test_a_connection_for_one_who_left_is_kept() -> None:
    bench = Bench()
    bench.pool.leave(bench.guest())
    wire = bench.opened()
    assert bench.pool.take() is cast(Any, wire)


async def test_a_full_line_sends_newcomers_away() -> None:
    bench = Bench(max_connections=1, max_queue=2)
    for _ in range(3):
        bench.guest()
    with pytest.raises(UpstreamUnavailable):
        bench.guest()


async def test_waiting_has_an_end() -> None:
    bench = Bench(max_connections=1, queue_timeout=0.03)
    served, late = bench.guest(), bench.guest()
    bench.opened()
    await until(lambda: late.error)
    assert isinstance(late.error, UpstreamUnavailable)
    assert served.error is None


async def test_whoever_a_connection_is_made_for_waits_for_that() -> None:
    bench = Bench(queue_timeout=0.02)
    guest = bench.guest()
    await asyncio.sleep(0.06)
    assert guest.error is None
    bench.opened()
    assert guest.connection


async def test_a_failed_opening_is_told_to_the_first_in_line() -> None:
    bench = Bench(max_connections=1)
    first, second = bench.guest(), bench.guest()
    bench.pool.not_opened(UpstreamBroken("refused"))
    assert isinstance(first.error, UpstreamBroken)
    assert bench.asked == 2
    bench.opened()
    assert second.connection


async def test_a_fresh_connection_takes_the_oldest_ones_place() -> None:
    bench = Bench(max_connections=2)
    bench.guest()
    bench.guest()
    old, young = bench.opened(), bench.opened()
    bench.give_back(old)
    bench.give_back(young)
    guest = bench.guest()
    assert (old.open, young.open, bench.asked) == (False, True, 3)
    bench.opened()
    assert guest.connection


async def test_a_closed_pool_lets_go_of_everything() -> None:
    bench = Bench(max_connections=2)
    bench.guest()
    bench.guest()
    late = bench.guest()
    used, free = bench.opened(), bench.opened()
    bench.pool.leave(late)
    bench.give_back(free)
    waiting = bench.guest()
    bench.pool.close()
    assert (used.open, free.open) == (True, False)
    assert isinstance(waiting.error, UpstreamUnavailable)
    with pytest.raises(UpstreamUnavailable):
        bench.guest()
    bench.give_back(used)
    assert not used.open
    assert not bench.opened().open
