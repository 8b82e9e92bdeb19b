"""How long the gateway waits for a caller who gives or takes bytes in drops. Rules without I/O.

A time-out for each piece alone can be stretched without end by a byte now and then. So beyond the first
seconds a caller must also keep up a least rate, on average.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """What is asked of a caller."""

    seconds: float
    """Without any byte; also the grace before the rate counts."""
    rate: int
    """Bytes a second, on average."""

    def for_bytes(self, size: int) -> float:
        """Seconds that `size` bytes may take in all."""
        return self.seconds + size / self.rate


class SlowBody:
    """Watches a body come in. Only the time spent waiting for the caller counts."""

    __slots__ = ("_patience", "_taken", "_waited")

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._waited = 0.0
        self._taken = 0

    def allowance(self) -> float:
        """Seconds in which the next piece must come; zero or less: the caller is too slow."""
        patience = self._patience
        return min(patience.seconds, patience.for_bytes(self._taken) - self._waited)

    def took(self, seconds: float, size: int) -> None:
        """The next piece came, after so many seconds."""
        self._waited += seconds
        self._taken += size


class SlowReader:
    """Watches a caller take what was written, from looks at how much of it still waits to go out."""

    __slots__ = ("_last", "_most", "_patience", "_since", "_still_since")

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: float | None = None
        """When this stretch of waiting bytes was first seen; None: none wait."""
        self._still_since = 0.0
        self._last = self._most = 0

    def relieved(self) -> None:
        """Most of what waited has gone out since the last look."""
        self._since = None

    def too_slow(self, waiting: int, now: float) -> bool:
        """Takes a look. Whether the caller should be given up."""
        if not waiting:
            self._since = None
            return False
        if self._since is None:
            self._since = self._still_since = now
            self._most = 0
        elif waiting < self._last:
            self._still_since = now
        self._last = waiting
        self._most = max(self._most, waiting)
        patience = self._patience
        still = now - self._still_since > patience.seconds
        return still or now - self._since > patience.for_bytes(self._most)
