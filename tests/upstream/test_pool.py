"""Who gets which connection, who waits, and who is sent away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.pool import Pool
from gateway.upstream.reuse_policy import PROOF, ReuseMode
from tests.upstream.defaults import pool_of
from tests.upstream.scripted import loop_turn, until


class Wire(UpstreamConnection):
    """A connection without a transport: the pool does no I/O, so it needs none."""

    open = True

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.readable = False
        self.idle_since = 0.0

    def usable(self) -> bool:
        return self.open and not self.readable

    def keep(self) -> bool:
        self.idle_since = asyncio.get_running_loop().time()
        return True

    def fail(self, error: UpstreamError) -> None:
        self.abort()

    def abort(self) -> None:
        if self.open:
            self.open = False
            self.pool.closed(self)


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
        self.pool = Pool(asyncio.get_running_loop(), replace(pool_of(), **settings), self._ask)

    def _ask(self) -> None:
        self.asked += 1

    def opened(self) -> Wire:
        wire = Wire(self.pool)
        self.pool.opened(wire)
        return wire

    def guest(self, reuse: ReuseMode = ReuseMode.ANY) -> Guest:
        guest = Guest()
        self.pool.wait(guest, reuse)
        return guest

    async def give_back(self, wire: Wire) -> None:
        wire.keep()
        self.pool.released(wire)
        await loop_turn()


async def test_the_connection_used_last_is_taken_first() -> None:
    bench = Bench()
    guests = [bench.guest() for _ in range(3)]
    wires = [bench.opened() for _ in range(3)]
    assert [guest.connection for guest in guests] == wires
    for wire in wires:
        await bench.give_back(wire)
    taken: list[Any] = [bench.pool.take() for _ in range(4)]
    assert taken == [*reversed(wires), None]


async def test_a_dead_connection_is_never_given() -> None:
    bench = Bench()
    bench.guest()
    first = bench.opened()
    await bench.give_back(first)
    first.abort()
    assert bench.pool.take() is None
    assert bench.pool.size == 0


async def test_no_more_connections_than_allowed() -> None:
    bench = Bench(max_connections=2)
    guests = [bench.guest() for _ in range(5)]
    assert bench.asked == 2
    wires = [bench.opened(), bench.opened()]
    await bench.give_back(wires[0])
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
    await bench.give_back(wire)
    assert guests[1].connection is wire
    assert guests[2].connection is None


async def test_who_leaves_the_line_gets_nothing() -> None:
    bench = Bench(max_connections=1)
    bench.guest()
    leaver, stayer = bench.guest(), bench.guest()
    wire = bench.opened()
    bench.pool.leave(leaver)
    bench.pool.leave(leaver)
    await bench.give_back(wire)
    assert leaver.connection is None
    assert stayer.connection is wire


async def test_a_connection_for_one_who_left_is_kept() -> None:
    bench = Bench()
    bench.pool.leave(bench.guest())
    wire = bench.opened()
    assert bench.pool.take() is wire


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


async def test_a_new_connection_takes_the_oldest_ones_place() -> None:
    bench = Bench(max_connections=2)
    bench.pool.reuse.trusted = True
    bench.guest()
    bench.guest()
    old, young = bench.opened(), bench.opened()
    await bench.give_back(old)
    await bench.give_back(young)
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
    await bench.give_back(free)
    waiting = bench.guest()
    bench.pool.close()
    assert (used.open, free.open) == (True, False)
    assert isinstance(waiting.error, UpstreamUnavailable)
    with pytest.raises(UpstreamUnavailable):
        bench.guest()
    await bench.give_back(used)
    assert not used.open
    assert not bench.opened().open


async def test_a_released_connection_is_not_used_before_the_loop_has_turned() -> None:
    bench = Bench(max_connections=1)
    bench.guest()
    wire = bench.opened()
    waiting = bench.guest()
    bench.pool.released(wire)
    assert waiting.connection is None
    assert bench.pool.take() is None
    await loop_turn()
    assert waiting.connection is wire


async def test_a_connection_that_is_closed_while_the_loop_turns_is_not_used() -> None:
    bench = Bench(max_connections=1)
    bench.guest()
    wire = bench.opened()
    waiting = bench.guest()
    bench.pool.released(wire)
    wire.abort()
    await loop_turn()
    assert (waiting.connection, bench.asked) == (None, 2)
    new: Any = bench.opened()
    assert waiting.connection is new


async def test_no_connection_is_opened_for_a_request_that_a_released_one_will_serve() -> None:
    bench = Bench()
    bench.guest()
    wire = bench.opened()
    bench.pool.released(wire)
    taken: Any = bench.pool.take()
    assert (taken, bench.asked) == (wire, 1)


@pytest.mark.parametrize("reuse", [ReuseMode.ANY, ReuseMode.CHECKED])
async def test_no_request_uses_a_released_connection_that_has_something_to_read(reuse: ReuseMode) -> None:
    bench = Bench()
    bench.guest()
    wire = bench.opened()
    bench.pool.reuse.trusted = True
    bench.pool.released(wire)
    wire.readable = True
    assert bench.pool.take(reuse) is None
    guest = bench.guest(reuse)
    assert bench.asked == 2
    new: Any = bench.opened()
    assert guest.connection is new


async def test_a_connection_can_be_used_once_what_came_on_it_has_been_read() -> None:
    bench = Bench()
    bench.guest()
    wire = bench.opened()
    bench.pool.released(wire)
    wire.readable = True
    assert bench.pool.take() is None
    wire.readable = False
    assert bench.pool.take() is wire


async def test_who_needs_a_new_connection_gets_no_used_one() -> None:
    bench = Bench(max_connections=2)
    bench.guest()
    used = bench.opened()
    await bench.give_back(used)
    assert bench.pool.take(ReuseMode.NEW) is None
    guest = bench.guest(ReuseMode.NEW)
    await loop_turn()
    assert guest.connection is None
    new: Any = bench.opened()
    assert guest.connection is new
    assert bench.pool.take() is used


async def test_in_a_full_pool_a_released_connection_makes_way_for_a_new_one() -> None:
    bench = Bench(max_connections=1)
    bench.guest()
    used = bench.opened()
    guest, next_in_line = bench.guest(ReuseMode.NEW), bench.guest()
    await bench.give_back(used)
    assert (used.open, bench.asked) == (False, 2)
    assert (guest.connection, next_in_line.connection) == (None, None)
    new: Any = bench.opened()
    assert guest.connection is new


async def test_those_behind_a_request_for_a_new_connection_use_what_is_released() -> None:
    bench = Bench(max_connections=2)
    bench.guest()
    used = bench.opened()
    guest, next_in_line = bench.guest(ReuseMode.NEW), bench.guest()
    await bench.give_back(used)
    assert (guest.connection, next_in_line.connection) == (None, used)


async def test_unrepeatable_requests_use_no_old_connection_of_an_unproven_server() -> None:
    bench = Bench()
    bench.guest()
    await bench.give_back(bench.opened())
    assert bench.pool.take(ReuseMode.CHECKED) is None
    assert bench.pool.take(ReuseMode.ANY) is not None


async def test_an_idle_connection_that_stays_open_proves_the_server() -> None:
    bench = Bench()
    bench.guest()
    wire = bench.opened()
    await bench.give_back(wire)
    wire.idle_since -= PROOF + 1
    assert bench.pool.take(ReuseMode.CHECKED) is wire


async def test_unrepeatable_requests_use_no_connection_that_has_something_to_read() -> None:
    bench = Bench()
    bench.guest()
    wire = bench.opened()
    bench.pool.reuse.trusted = True
    await bench.give_back(wire)
    wire.readable = True
    assert bench.pool.take(ReuseMode.CHECKED) is None
    guest = bench.guest(ReuseMode.CHECKED)
    await loop_turn()
    assert (guest.connection, bench.asked) == (None, 2)


async def test_a_server_that_closes_idle_connections_early_is_not_trusted() -> None:
    bench = Bench()
    bench.guest()
    wire = bench.opened()
    bench.pool.reuse.trusted = True
    bench.pool.closed(wire, idle_for=PROOF / 2)
    assert not bench.pool.reuse.trusted


async def test_the_oldest_connection_stays_to_prove_the_server() -> None:
    bench = Bench(max_connections=2)
    bench.guest()
    bench.guest()
    wires = [bench.opened(), bench.opened()]
    for wire in wires:
        await bench.give_back(wire)
    bench.guest(ReuseMode.CHECKED)
    assert [wire.open for wire in wires] == [True, False]


async def test_without_a_queue_requests_still_get_connections() -> None:
    bench = Bench(max_connections=1, max_queue=0)
    guest = bench.guest()
    bench.opened()
    assert guest.connection
    with pytest.raises(UpstreamUnavailable):
        bench.guest()
