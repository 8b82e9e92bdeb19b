"""Whether a request that failed is sent again. Pure."""

from __future__ import annotations

from typing import Final

from gateway.upstream.settings import RetrySettings

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""RFC 9110 section 9.2.2: the effect of several identical requests is that of one."""

CONNECT: Final = "connect"
"""No connection could be made: nothing of the request was sent."""
RESET: Final = "reset"
"""The connection was lost before the first byte of a response."""

_RATIO: Final = 0.2
_RESERVE: Final = 10.0
_CEILING: Final = 100.0


def may_retry(settings: RetrySettings, reason: str, *, method: str, attempts: int, body_begun: bool) -> bool:
    """Decides on one failure.

    Args:
        settings: of the upstream.
        reason: `connect`, `reset` or the response's status as text.
        method: of the request.
        attempts: how many retries there have been.
        body_begun: a part of a streamed body has been sent, if only its end, and can't be sent again.
    """
    if attempts >= settings.attempts or reason not in settings.on or body_begun:
        return False
    # RFC 9110 section 9.2.2: a proxy must not automatically retry requests that are not idempotent.
    return reason == CONNECT or method in IDEMPOTENT


class RetryBudget:
    """At most a fifth of the requests are retried, beside a small reserve.

    In an outage, retries would otherwise multiply the load on servers that are already down.
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _RESERVE

    def earn(self) -> None:
        """A request has arrived: adds to the budget."""
        if self._left < _CEILING:
            self._left += _RATIO

    def spend(self) -> bool:
        """Takes one retry out of the budget; False if it is used up."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
