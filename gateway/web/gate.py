"""How many connections a worker takes, in all and from one address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Connections that may stand at one time, of one worker."""

    total: int
    per_address: int
    exempt: Callable[[str], bool]
    """Addresses that stand for many callers: trusted proxies. Only the total counts for them."""


class Gate:
    """Counts the connections that stand. What it knows of an address goes with its last connection."""

    __slots__ = ("_addresses", "_limits", "_total")

    def __init__(self, limits: GateLimits) -> None:
        self._limits = limits
        self._total = 0
        self._addresses: dict[str, int] = {}

    def enter(self, address: str) -> bool:
        """Whether one more from this address is let in. Who is must `leave` again."""
        limits = self._limits
        standing = self._addresses.get(address, 0)
        if self._total >= limits.total:
            return False
        if standing >= limits.per_address and not limits.exempt(address):
            return False
        self._total += 1
        self._addresses[address] = standing + 1
        return True

    def leave(self, address: str) -> None:
        """One that was let in is gone."""
        self._total -= 1
        standing = self._addresses[address] - 1
        if standing:
            self._addresses[address] = standing
        else:
            del self._addresses[address]

    def __len__(self) -> int:
        return self._total
