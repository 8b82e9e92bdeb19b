"""Bounds on time that hold on a machine that has other things to do now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


async def mostly_within(
    seconds: float, measure: Callable[[], Awaitable[float]], *, good: int = 3, of: int = 7
) -> None:
    """Measures until `good` times were within the bound; fails when `of` measurements have too few.

    A pause of the machine spoils one measurement. What is slow by itself spoils most.
    """
    taken: list[float] = []
    while sum(time < seconds for time in taken) < good:
        assert len(taken) < of, f"mostly not within {seconds} s: {taken}"
        taken.append(await measure())
