"""What was called how often, by route, keys, status and reason, over some days."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.accounts.usage import CLASSES
from gateway.clock import Clock
from gateway.store.calls import DAY, DAYS, CallCount, CallKind, CallStore

__all__ = ["DAY", "DAYS", "CallReport", "CallReports", "CallRow", "DayRow", "call_report"]

BATCH = 100
"""Clients that are read in one round trip."""


class CallRow(NamedTuple):
    """Calls of a client that are alike."""

    client_id: str
    kind: CallKind
    number: int


class DayRow(NamedTuple):
    """The same on one day."""

    day: int
    """Days since the epoch, in UTC."""
    row: CallRow


@dataclass(frozen=True, slots=True)
class CallReport:
    """The calls of some clients."""

    days: tuple[int, ...]
    """Oldest first; the last one is today."""
    by_day: tuple[DayRow, ...]
    """Oldest first, and of a day the most frequent first."""

    @property
    def rows(self) -> tuple[CallRow, ...]:
        """All days together, the most frequent first."""
        sums = Counter[tuple[str, CallKind]]()
        for _, row in self.by_day:
            sums[row.client_id, row.kind] += row.number
        return tuple(CallRow(client_id, kind, number) for (client_id, kind), number in sums.most_common())

    @property
    def statuses(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Each day with its calls by class of status, from 2xx to 5xx."""
        sums = Counter[tuple[int, int]]()
        for day, row in self.by_day:
            sums[day, min(max(row.kind.status // 100, CLASSES[0]), CLASSES[-1])] += row.number
        return tuple((day, tuple(sums[day, one] for one in CLASSES)) for day in self.days)

    @property
    def total(self) -> int:
        """All calls."""
        return sum(row.number for _, row in self.by_day)


class CallReports:
    """Reads what the workers have written, some seconds ago. Raises StoreUnavailable."""

    def __init__(self, calls: CallStore, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    async def report(self, client_ids: Sequence[str], days: int = DAYS) -> CallReport:
        """The calls of these clients in the last days, today among them."""
        now, found = self._clock(), dict[str, list[CallCount]]()
        for part in (client_ids[at : at + BATCH] for at in range(0, len(client_ids), BATCH)):
            counts = await asyncio.gather(*(self._calls.counts(one, now) for one in part))
            found |= dict(zip(part, counts, strict=True))
        return call_report(found, int(now) // DAY, days)


def call_report(counts: Mapping[str, Iterable[CallCount]], today: int, days: int) -> CallReport:
    """The report of what was counted of each client."""
    shown = range(today - days + 1, today + 1)
    rows = [
        DayRow(one.day, CallRow(client_id, one.kind, one.number))
        for client_id, counted in counts.items()
        for one in counted
        if one.day in shown
    ]
    rows.sort(key=lambda one: (one.day, -one.row.number, one.row.kind, one.row.client_id))
    return CallReport(tuple(shown), tuple(rows))
