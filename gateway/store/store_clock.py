"""The time as the store has it, which is the same for all gateways of a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic as system_monotonic

from gateway.clock import Clock, system_clock


class StoreClock:
    """Seconds since the epoch by the store's clock, read from its `TIME` and this worker's monotonic clock.

    A step of this machine's clock changes nothing. Before the store has said its time, this machine's counts.
    """

    def __init__(
        self, local: Clock = system_clock, monotonic: Callable[[], float] = system_monotonic
    ) -> None:
        self._local = local
        self._monotonic = monotonic
        self._offset: float | None = None

    def __call__(self) -> float:
        return self._local() if self._offset is None else self._monotonic() + self._offset

    def learn(self, answer: Sequence[bytes], asked: float) -> None:
        """Takes an answer to `TIME`: seconds and microseconds. `asked`: when it was sent, by the monotonic
        clock.
        """
        seconds, microseconds = answer
        # The server has read its clock between the question and the answer.
        middle = (asked + self._monotonic()) / 2
        self._offset = int(seconds) + int(microseconds) / 1e6 - middle

    @property
    def difference(self) -> float:
        """Seconds that this machine's clock is ahead of the store's; negative: behind."""
        return 0.0 if self._offset is None else self._local() - self()
