"""Lines that say the same again and again: some are logged, and the others counted."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

MOST = 50
"""Different lines that are remembered; with more all are forgotten."""


class RepeatedLines:
    """Says whether a line is due. The first one is at once, and further ones once in `interval` seconds."""

    def __init__(self, interval: float, tick: Callable[[], float] = monotonic) -> None:
        self._interval = interval
        self._tick = tick
        self._lines: dict[str, tuple[float, int]] = {}
        """When each was due last, and how often it has been left out since."""

    def due(self, line: str) -> int | None:
        """How often the line was left out since it was due last; None: it is to be left out now."""
        now = self._tick()
        last, left_out = self._lines.get(line, (float("-inf"), 0))
        if now - last < self._interval:
            self._lines[line] = last, left_out + 1
            return None
        if len(self._lines) >= MOST:
            self._lines.clear()
        self._lines[line] = now, 0
        return left_out
