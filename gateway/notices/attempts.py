"""When a notice is sent again, and when no longer."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple

from gateway.store.notices import QueuedNotice

PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14_400)
"""Seconds after the first failed attempt, the second and so on; the last one for all further ones."""
LIFETIME = 86_400
"""Seconds after which a notice is given up."""
_TAKEN = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)


class NoticeAttempt(NamedTuple):
    """What came of one."""

    status: int
    """0: there was no answer."""
    reason: str = ""
    """Why, for the log; never a secret."""
    final: bool = False
    """Whether another attempt would fare no better."""

    @property
    def taken(self) -> bool:
        """Whether the receiver has the notice. A redirect is not followed, and so is a failure."""
        return self.status in _TAKEN

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        # Standard Webhooks: "410 Gone: the producer should disable the endpoint and stop sending."
        return self.status == HTTPStatus.GONE

    @property
    def words(self) -> str:
        """What went wrong."""
        return self.reason or f"it answered {self.status}"


def sent_again(notice: QueuedNotice, now: float) -> QueuedNotice | None:
    """The notice with its next attempt, after one that failed; None: it is given up."""
    pause = PAUSES[min(notice.attempts, len(PAUSES) - 1)]
    due = int(now) + pause
    if due >= notice.created + LIFETIME:
        return None
    return replace(notice, attempts=notice.attempts + 1, due=due)
