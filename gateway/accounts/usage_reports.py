"""What clients have done, added up for people to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.accounts.usage import CLASSES, FIRST_LATENCY, ISSUED, LATENCIES, LIMITS_HIT, REFUSED
from gateway.clock import Clock
from gateway.store.registered_users import RegisteredUsers
from gateway.store.usage import CELLS, DAY, HOUR, MONTH, UsageStore

SPANS = {"hour": HOUR, "day": DAY, "month": MONTH}


@dataclass(frozen=True, slots=True)
class Slot:
    """One stretch of time."""

    start: int
    """Seconds since the epoch."""
    cells: Sequence[int]

    @property
    def statuses(self) -> tuple[int, ...]:
        """Calls answered with 2xx, 3xx, 4xx and 5xx."""
        return tuple(self.cells[: len(CLASSES)])

    @property
    def limits_hit(self) -> int:
        """Calls that the gateway refused because of a limit."""
        return self.cells[LIMITS_HIT]

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens issued, and refused."""
        return self.cells[ISSUED], self.cells[REFUSED]


@dataclass(frozen=True, slots=True)
class Report:
    """What some clients have done in the last hour, day or month."""

    over: str
    slots: tuple[Slot, ...]
    """The oldest first; the last one is still filling."""
    registered_users: int
    """Users who got a token by the password grant; for each client they are counted anew."""

    @property
    def total(self) -> Slot:
        """All slots together."""
        return Slot(
            self.slots[0].start,
            [sum(cells) for cells in zip(*(one.cells for one in self.slots), strict=True)],
        )

    @property
    def latencies(self) -> tuple[int, ...]:
        """Calls by how long they took; see `gateway.accounts.usage.LATENCIES`."""
        return tuple(self.total.cells[FIRST_LATENCY : FIRST_LATENCY + len(LATENCIES) + 1])

    @property
    def limits_hit(self) -> int:
        """Calls that the gateway refused because of a limit."""
        return self.total.limits_hit


class UsageReports:
    """Reads what the workers have settled: it is some seconds old. Raises StoreUnavailable."""

    def __init__(self, usage: UsageStore, users: RegisteredUsers, clock: Clock) -> None:
        self._usage = usage
        self._users = users
        self._clock = clock

    async def report(self, client_ids: Iterable[str], over: str) -> Report:
        """What these clients have done, together. `over` is a key of `SPANS`."""
        span, now, ids = SPANS[over], self._clock(), tuple(client_ids)
        found = await asyncio.gather(*(self._usage.read(one, span, now) for one in ids))
        users = await asyncio.gather(*(self._users.count(one) for one in ids))
        first = (int(now) // span.slot - span.slots + 1) * span.slot
        slots = tuple(
            Slot(first + index * span.slot, [sum(one[index][cell] for one in found) for cell in range(CELLS)])
            for index in range(span.slots)
        )
        return Report(over, slots, sum(users))
