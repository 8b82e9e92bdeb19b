"""When periodic work is due."""

from __future__ import annotations

import asyncio
import os

import pytest

from gateway.runtime.beat import BEAT, TOLERANCE, until_beat


@pytest.mark.parametrize("seconds", [BEAT, 1.0, 2 * BEAT, 5.0])
async def test_it_is_due_as_late_as_possible_and_not_later_than_asked(seconds: float) -> None:
    wait = until_beat(seconds)

    assert seconds - BEAT <= wait <= seconds + TOLERANCE


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.25])
async def test_what_is_due_sooner_than_a_beat_waits_for_none(seconds: float) -> None:
    assert until_beat(seconds) == seconds


async def test_all_that_is_periodic_is_due_at_the_same_moments() -> None:
    begun = asyncio.get_running_loop().time
    due = []
    for seconds in (BEAT, 1.0, 1.7):
        due.append(begun() + until_beat(seconds))
        await asyncio.sleep(0.03)

    apart = [(moment - due[0]) / BEAT for moment in due]
    assert apart == pytest.approx([round(beats) for beats in apart], abs=0.01)


async def test_a_timer_that_fires_a_little_early_does_not_make_the_next_beat_follow_at_once() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(until_beat())
    nearly = loop.time() + until_beat() - TOLERANCE / 2

    class Early:
        def time(self) -> float:
            return nearly

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "get_running_loop", Early)
        assert until_beat() > BEAT / 2


def test_a_forked_process_has_beats_of_its_own() -> None:
    """One in four hundred has the same by chance."""

    async def phase() -> float:
        return (asyncio.get_running_loop().time() + until_beat()) % BEAT

    own, phases = asyncio.run(phase()), set()
    for _ in range(3):
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.write(writing, f"{asyncio.run(phase()):.3f}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        phases.add(os.read(reading, 100).decode())
        os.close(reading)
        os.close(writing)

    assert phases != {f"{own:.3f}"}
