"""Limits sign-ups by address."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from gateway.accounts.attempt_limiter import Attempts, RefusalPacer, TooManyAttempts
from gateway.oauth.brute_force import Attempt, LockoutPolicy, counted_address
from gateway.translation.text import gettext

MAX_SIGN_UPS = 10
"""New accounts and attempts with a taken name, from one address in a minute."""
_POLICY = LockoutPolicy(pair_limit=MAX_SIGN_UPS, address_limit=MAX_SIGN_UPS, window=60)


class SignUpLimiter:
    """Counts sign-ups, for all workers and gateways of a store together."""

    def __init__(self, attempts: Attempts, tick: Callable[[], float] = monotonic) -> None:
        self._attempts = attempts
        self._tick = tick
        self._pacer = RefusalPacer()

    async def count(self, address: str) -> None:
        """Counts a sign-up from this address.

        Raises:
            TooManyAttempts: there were `MAX_SIGN_UPS` in the last minute.
        """
        counts = await self._attempts.failed(Attempt("sign-up", "", counted_address(address)), _POLICY)
        if not counts.counted:
            text = gettext("Too many accounts were made from your address.")
            raise TooManyAttempts(counts.retry_after, self._pacer.delay(self._tick()), text)
