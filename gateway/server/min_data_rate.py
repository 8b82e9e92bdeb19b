"""How slowly a client may send or read (Slowloris, slow reads). Rules without I/O.

A timeout for each piece alone could be stretched without end by a byte now and then. So after the first
seconds a client must also keep up a least rate, on average.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.http.limit_names import BODY_TIMEOUT, MIN_RATE


@dataclass(frozen=True, slots=True)
class MinDataRate:
    """What a client must keep up."""

    seconds: float
    """Without any byte; also the grace before the rate counts."""
    rate: int
    """Bytes a second, on average."""

    def for_bytes(self, size: int) -> float:
        """Seconds that `size` bytes may take in all."""
        return self.seconds + size / self.rate


class BodyRateMonitor:
    """Watches a body come in. Only the time spent waiting for the client counts."""

    __slots__ = ("_min_data_rate", "_taken", "_waited")

    def __init__(self, min_data_rate: MinDataRate, taken: int = 0) -> None:
        """`taken`: bytes of the body that have come already."""
        self._min_data_rate = min_data_rate
        self._waited = 0.0
        self._taken = taken

    def allowance(self) -> float:
        """Seconds in which the next piece must come; zero or less: the client is too slow."""
        min_data_rate = self._min_data_rate
        return min(min_data_rate.seconds, min_data_rate.for_bytes(self._taken) - self._waited)

    @property
    def binding(self) -> str:
        """The limit that the allowance comes from."""
        min_data_rate = self._min_data_rate
        whole = min_data_rate.for_bytes(self._taken) - self._waited
        return BODY_TIMEOUT if min_data_rate.seconds <= whole else MIN_RATE

    def took(self, seconds: float, size: int) -> None:
        """The next piece came, after so many seconds."""
        self._waited += seconds
        self._taken += size


class SlowClientMonitor:
    """Watches a client read, from samples of how many bytes still wait to be written."""

    __slots__ = ("_last", "_min_data_rate", "_most", "_since", "_still_since", "passed")

    def __init__(self, min_data_rate: MinDataRate) -> None:
        self._min_data_rate = min_data_rate
        self._since: float | None = None
        """When bytes were first seen waiting; None: none wait."""
        self.passed = ""
        """The limit for which the client is too slow."""
        self._still_since = 0.0
        self._last = self._most = 0

    def drained(self) -> None:
        """Most of what waited has been written since the last sample."""
        self._since = None

    def too_slow(self, waiting: int, now: float) -> bool:
        """Takes a sample. Whether the connection should be ended."""
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
        min_data_rate = self._min_data_rate
        still = now - self._still_since > min_data_rate.seconds
        self.passed = BODY_TIMEOUT if still else MIN_RATE
        return still or now - self._since > min_data_rate.for_bytes(self._most)
