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

    async def look(self, calls: Mapping[str, Iterable[CallKind]]) -> None:
        """The kinds of calls that there were, by client. Raises StoreUnavailable."""


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
        calls, errors = sum(map(sum, last)), sum(one[FAILED_CLASS] for one in last)
        return (calls, errors) if calls >= self.calls and errors > self.share * calls else None


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
