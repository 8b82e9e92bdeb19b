"""Usage reports of clients, for the portal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.accounts.usage import CLASSES, FIRST_LATENCY, ISSUED, LATENCIES, LIMITS_HIT, REFUSED
from gateway.clock import Clock
from gateway.store.registered_users import RegisteredUsers
from gateway.store.usage import CELLS, DAY, HOUR, MONTH, UsageStore

BATCH = 250
"""Clients that are read in one round trip, so that one report does not hold up the store."""
SPANS = {"hour": HOUR, "day": DAY, "month": MONTH}


@dataclass(frozen=True, slots=True)
class Slot:
    """One interval of a report."""

    start: int
    """Seconds since the epoch."""
    cells: Sequence[int]

    @property
    def statuses(self) -> tuple[int, ...]:
        """Responses with 2xx, 3xx, 4xx and 5xx."""
        return tuple(self.cells[: len(CLASSES)])

    @property
    def limits_hit(self) -> int:
        """Requests that the gateway refused because of a limit."""
        return self.cells[LIMITS_HIT]

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens issued, and refused."""
        return self.cells[ISSUED], self.cells[REFUSED]


@dataclass(frozen=True, slots=True)
class Report:
    """The usage of some clients in the last hour, day or month."""

    over: str
    slots: tuple[Slot, ...]
    """Oldest first; the last one is not complete."""
    registered_users: int
    """Users who got a token by the password grant, counted for each client."""

    @property
    def total(self) -> Slot:
        """All slots together."""
        return Slot(
            self.slots[0].start,
            [sum(cells) for cells in zip(*(one.cells for one in self.slots), strict=True)],
        )

    @property
    def latencies(self) -> tuple[int, ...]:
        """Requests by duration; see `gateway.accounts.usage.LATENCIES`."""
        return tuple(self.total.cells[FIRST_LATENCY : FIRST_LATENCY + len(LATENCIES) + 1])

    @property
    def limits_hit(self) -> int:
        """Requests that the gateway refused because of a limit."""
        return self.total.limits_hit


class UsageReports:
    """Reads what the workers have written, some seconds ago. Raises StoreUnavailable."""

    def __init__(self, usage: UsageStore, users: RegisteredUsers, clock: Clock) -> None:
        self._usage = usage
        self._users = users
        self._clock = clock

    async def report(self, client_ids: Iterable[str], over: str) -> Report:
        """The usage of these clients together. `over` is a key of `SPANS`."""
        span, now, ids = SPANS[over], self._clock(), tuple(client_ids)
        found: list[list[list[int]]] = []
        users = 0
        for part in (ids[at : at + BATCH] for at in range(0, len(ids), BATCH)):
            found += await asyncio.gather(*(self._usage.read(one, span, now) for one in part))
            users += sum(await asyncio.gather(*(self._users.count(one) for one in part)))
        first = (int(now) // span.slot - span.slots + 1) * span.slot
        slots = tuple(
            Slot(first + index * span.slot, [sum(one[index][cell] for one in found) for cell in range(CELLS)])
            for index in range(span.slots)
        )
        return Report(over, slots, users)
