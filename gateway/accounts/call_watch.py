"""What of the calls of clients is told to others: limits that are used up, and many errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.accounts.limits_left import LimitLeft
from gateway.store.calls import CallKind

__all__ = ["CallKind", "CallWatch", "ErrorRule", "failed", "spent_name"]

SERVER_ERRORS = 500
HOUR = 3600
FAILED_CLASS = 3
"""The cell of 5xx among those of a slot (`gateway.accounts.usage.CLASSES`)."""


class CallWatch(Protocol):
    """Looks at the calls of a worker once they are written."""

    async def look(self, calls: Mapping[str, Mapping[CallKind, int]]) -> None:
        """How many calls of which kinds there were, by client. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """When there are many errors."""

    share: float
    """Of 5xx among all responses, above which there are."""
    minutes: int
    calls: int
    """Of fewer calls nothing is said."""

    def broken(self, slots: Iterable[tuple[int, ...]]) -> tuple[int, int] | None:
        """The calls and errors in the last minutes, where there are many; else None. `slots`: responses of
        each minute by class, oldest first.
        """
        last = list(slots)[-self.minutes :]
        return self.judge(sum(map(sum, last)), sum(one[FAILED_CLASS] for one in last))

    def judge(self, calls: int, errors: int) -> tuple[int, int] | None:
        """The same for the sums."""
        return (calls, errors) if calls >= self.calls and errors > self.share * calls else None


class RouteErrors:
    """The calls of each route in the last minutes, as one worker sees them: an API fails for all who call it,
    so that each worker's part shows it.
    """

    def __init__(self, rule: ErrorRule) -> None:
        self._rule = rule
        self._minutes: dict[str, dict[int, tuple[int, int]]] = {}
        """Calls and errors, by route and minute."""

    def add(self, calls: Mapping[CallKind, int], now: float) -> None:
        """Counts calls."""
        minute = int(now // 60)
        for kind, number in calls.items():
            minutes = self._minutes.setdefault(kind.route, {})
            before, errors = minutes.get(minute, (0, 0))
            minutes[minute] = before + number, errors + (number if failed([kind]) else 0)

    def broken(self, now: float) -> dict[str, tuple[int, int]]:
        """The routes with many errors, with their calls and errors. What is older is forgotten."""
        first, found = int(now // 60) - self._rule.minutes + 1, dict[str, tuple[int, int]]()
        for route, minutes in list(self._minutes.items()):
            kept = {minute: sums for minute, sums in minutes.items() if minute >= first}
            if not kept:
                del self._minutes[route]
                continue
            self._minutes[route] = kept
            judged = self._rule.judge(*map(sum, zip(*kept.values(), strict=True)))
            if judged is not None:
                found[route] = judged
        return found


def failed(kinds: Iterable[CallKind]) -> bool:
    """Whether a call was answered with a 5xx."""
    return any(kind.status >= SERVER_ERRORS for kind in kinds)


def spent_name(client_id: str, left: LimitLeft, now: float) -> tuple[str, int]:
    """What names a limit that is used up for as long as that is told once, and for how many seconds."""
    names = f"{client_id} {left.route} {','.join(left.methods)} {left.name} {left.limit} {left.seconds}"
    if left.ends is None:
        # A window that slides begins nowhere: so long after the first notice there may be another.
        return names, max(left.seconds, HOUR)
    return f"{names} {left.ends}", max(left.ends - int(now), 0) + HOUR
