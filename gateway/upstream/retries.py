"""Whether a request that failed is sent again. Pure."""

from __future__ import annotations

from gateway.upstream.settings import RetrySettings

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""RFC 9110 section 9.2.2: asking twice has the effect of asking once."""

CONNECT = "connect"
"""No connection could be made: nothing of the request has left."""
RESET = "reset"
"""The connection broke before the first byte of an answer."""

_RATIO = 0.2
_RESERVE = 10.0
_CEILING = 100.0


def may_retry(settings: RetrySettings, reason: str, *, method: str, attempts: int, body_begun: bool) -> bool:
    """Decides on one failure.

    Args:
        settings: what is wished.
        reason: `connect`, `reset` or the answer's status as text.
        method: of the request.
        attempts: how many retries there have been.
        body_begun: something of a streamed body has been sent, were it only its end, and is gone.
    """
    if attempts >= settings.attempts or reason not in settings.on or body_begun:
        return False
    # RFC 9110 section 9.2.2: a proxy must not automatically retry requests that are not idempotent.
    return reason == CONNECT or method in IDEMPOTENT


class RetryBudget:
    """At most a fifth of the requests are sent again, beside a small reserve.

    When everything fails, retries would otherwise multiply the load on those who are down already.
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _RESERVE

    def earn(self) -> None:
        """A request has come."""
        if self._left < _CEILING:
            self._left += _RATIO

    def spend(self) -> bool:
        """Takes one retry out of the budget, if it is still in."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
