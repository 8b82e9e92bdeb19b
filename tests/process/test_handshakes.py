"""Who has been accepted and can't be served yet, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.process.handshakes import Handshakes
from tests.raw import until

SECONDS = 0.1


class Ending:
    """Stands for the transport of a handshake of which only the end matters."""

    aborted, problem = False, ""

    def abort(self) -> None:
        self.aborted = True


class Stage:
    """Handshakes of an acceptor, with those that were too slow."""

    def __init__(self, seconds: float | None = SECONDS) -> None:
        self.loop = asyncio.get_running_loop()
        self.began: dict[str, float] = {}
        self.too_slow: dict[str, float] = {}
        """How long those had that were ended, in the order of their ends."""
        self.handshakes = Handshakes(self.loop, seconds, self._end)

    def _end(self, address: str) -> None:
        self.too_slow[address] = self.loop.time() - self.began[address]

    def begin(self, address: str) -> Ending:
        self.began[address] = self.loop.time()
        made: Any = Ending()
        self.handshakes.add(made, address)
        return made


async def test_a_handshake_that_takes_too_long_is_ended_and_its_address_told() -> None:
    stage = Stage()
    first, done = stage.begin("first"), stage.begin("done")
    stage.handshakes.discard(done)
    await asyncio.sleep(SECONDS / 2)
    second = stage.begin("second")
    await until(lambda: len(stage.too_slow) == 2)
    assert list(stage.too_slow) == ["first", "second"]
    assert min(stage.too_slow.values()) >= SECONDS - 0.002, "each has all of its time"
    assert (first.aborted, second.aborted, done.aborted) == (True, True, False)
    assert not stage.handshakes


async def test_after_a_pause_the_time_of_handshakes_is_bounded_again() -> None:
    stage = Stage()
    stage.handshakes.discard(stage.begin("done"))
    await asyncio.sleep(1.5 * SECONDS)
    stage.begin("late")
    await until(lambda: list(stage.too_slow) == ["late"])


async def test_without_a_limit_they_take_as_long_as_they_need() -> None:
    stage = Stage(None)
    transport = stage.begin("a")
    await asyncio.sleep(0.01)
    assert (stage.too_slow, transport.aborted, bool(stage.handshakes)) == ({}, False, True)


async def test_all_kinds_are_waited_for() -> None:
    stage = Stage()
    transport = stage.begin("a")
    go_on = asyncio.Event()

    async def read() -> None:
        await go_on.wait()

    stage.handshakes.add_preamble(asyncio.create_task(read()))
    finishing = asyncio.create_task(stage.handshakes.finish(20))
    ends: list[Callable[[], None]] = [lambda: stage.handshakes.discard(transport), go_on.set]
    for end in ends:
        await asyncio.sleep(0.001)
        assert not finishing.done()
        end()
    await asyncio.wait_for(finishing, 20)
    await stage.handshakes.finish(20)


async def test_they_are_not_waited_for_longer_than_asked() -> None:
    stage = Stage(None)
    stage.begin("a")
    await stage.handshakes.finish(0.01)
    assert stage.handshakes


async def test_those_that_wait_for_their_client_are_ended() -> None:
    stage = Stage()
    transport = stage.begin("a")
    preamble = asyncio.create_task(asyncio.Event().wait())
    stage.handshakes.add_preamble(preamble)  # type: ignore[arg-type]  # what it returns does not matter
    stage.handshakes.abort()
    assert transport.aborted
    with pytest.raises(asyncio.CancelledError):
        await preamble


async def test_failed_handshakes_are_told_once_a_second_and_those_whose_client_has_gone_are_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gatepost")
    stage, now = Stage(None), [1000.0]
    monkeypatch.setattr(Handshakes.__module__ + ".monotonic", lambda: now[0])
    for address, problem in [("gone", ""), ("first", "one"), ("second", "two"), ("third", "three")]:
        failed = stage.begin(address)
        failed.problem = problem
        stage.handshakes.discard(failed)
        stage.handshakes.discard(failed)
    assert caplog.messages == ["TLS handshake with first failed: one"]
    now[0] += 1
    failed = stage.begin("last")
    failed.problem = "four"
    stage.handshakes.discard(failed)
    assert caplog.messages[1:] == [
        "TLS handshake with last failed: four (and 2 others since the last one told)"
    ]
