"""How many connections a worker takes, in all and from one address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.http.limit_names import CONNECTIONS, PER_ADDRESS


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The connections that one worker accepts at a time."""

    total: int
    per_address: int
    exempt: Callable[[str], bool]
    """Addresses of many clients: trusted proxies. Only the total counts for them."""


class ConnectionLimiter:
    """Counts open connections. An address is forgotten with its last connection."""

    __slots__ = ("_addresses", "_limits", "_total")

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._total = 0
        self._addresses: dict[str, int] = {}

    def acquire(self, address: str) -> str | None:
        """Takes one more from this address, which then must be released again.

        Returns the limit that it would pass: then it is not taken.
        """
        limits, current = self._limits, self._addresses.get(address, 0)
        if self._total >= limits.total:
            return CONNECTIONS
        if current >= limits.per_address and not limits.exempt(address):
            return PER_ADDRESS
        self._total += 1
        self._addresses[address] = current + 1
        return None

    def release(self, address: str) -> None:
        """One that was accepted is gone."""
        self._total -= 1
        current = self._addresses[address] - 1
        if current:
            self._addresses[address] = current
        else:
            del self._addresses[address]

    def __len__(self) -> int:
        return self._total
