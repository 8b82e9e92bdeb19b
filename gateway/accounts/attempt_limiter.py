"""Limits failed attempts, for all workers and gateways of a store together.

The secret is checked first; the answer depends on a count that the store takes in one atomic step. So the
limits hold exactly for any number of concurrent attempts, and concurrent right secrets do not use them up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from gateway.errors import GatepostError
from gateway.oauth.brute_force import Attempt, FailureCounts, LockoutPolicy, counted_address
from gateway.store.change_listener import ChangeListener
from gateway.translation.text import gettext

log = logging.getLogger("gatepost")


class TooManyAttempts(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """Too many attempts have failed. Whether this one was right is not revealed.

    `retry_after`, and `delay`, by which the response is delayed, are in seconds.
    """

    def __init__(self, retry_after: int, delay: float = 0.0, text: str = "") -> None:
        super().__init__(text or gettext("Too many attempts have failed."))
        self.retry_after = max(1, retry_after)
        self.delay = delay


class RefusalPacer:
    """Spreads refusals in the portal over time.

    A refusal is a page, which takes a millisecond to render: a thousand at once would block all other
    requests for a second.
    """

    def __init__(self, pause: float = 0.002, longest: float = 2.0) -> None:
        self._pause = pause
        self._longest = longest
        self._next = 0.0

    def delay(self, now: float) -> float:
        """Seconds by which the next refusal is delayed; at most `longest`."""
        self._next = max(now, min(self._next + self._pause, now + self._longest))
        return self._next - now


class Attempts(Protocol):
    """The counters of failed attempts."""

    def known(self, attempt: Attempt) -> FailureCounts | None:
        """The cached counts; None where the store must be asked."""

    async def read(self, attempt: Attempt, rules: LockoutPolicy) -> FailureCounts:
        """The counts, from the store."""

    async def failed(self, attempt: Attempt, rules: LockoutPolicy) -> FailureCounts:
        """Counts a failure unless a limit is reached; the counts with it, and whether it was counted."""

    async def succeeded(self, attempt: Attempt, rules: LockoutPolicy) -> FailureCounts:
        """Records a success unless a limit is reached; the counts."""


class AttemptLimiter:
    """The limits of one area: of clients at `/token`, say, or of people in the portal."""

    def __init__(
        self,
        area: str,
        attempts: Attempts,
        rules: LockoutPolicy,
        *,
        proxies_trusted: bool = False,
        tick: Callable[[], float] = monotonic,
        changes: ChangeListener | None = None,
    ) -> None:
        """`proxies_trusted`: whether the configuration names any proxy. `changes` hears of lock-outs."""
        self._changes = changes or ChangeListener()
        self._area = area
        self._attempts = attempts
        self._rules = rules
        self._proxies_trusted = proxies_trusted
        self.tick = tick
        """A monotonic clock in seconds."""

    def attempt(self, name: str, address: str) -> Attempt:
        """An attempt in this area."""
        return Attempt(self._area, name, counted_address(address))

    def is_known_good(self, attempt: Attempt) -> bool:
        """Whether the cached counts allow a right secret."""
        failures = self._attempts.known(attempt)
        return failures is not None and failures.succeeded_before and not self._rules.locked(failures)

    def refuse_if_known(self, attempt: Attempt) -> None:
        """Raises TooManyAttempts where the cached counts lock the attempt out."""
        failures = self._attempts.known(attempt)
        if failures is not None and self._rules.locked(failures):
            raise TooManyAttempts(failures.retry_after)

    async def refuse_if_locked(self, attempt: Attempt) -> None:
        """Raises TooManyAttempts where the attempt is locked out, before any work is done for it."""
        failures = await self._attempts.read(attempt, self._rules)
        if self._rules.locked(failures):
            raise TooManyAttempts(failures.retry_after)

    async def failed(self, attempt: Attempt, began: float) -> float:
        """Counts a failure. Returns by how many seconds the response is delayed.

        `began` is when the attempt came, by `tick`. Raises TooManyAttempts.
        """
        failures = await self._attempts.failed(attempt, self._rules)
        hold = self._rules.hold(failures, self.tick() - began)
        if not failures.counted:
            raise TooManyAttempts(failures.retry_after, hold)
        message = self._rules.lock_message(attempt, failures, proxies_trusted=self._proxies_trusted)
        if message is not None:
            log.warning("%s", message)
            facts = {"area": self._area, "address": attempt.address, "reason": message}
            self._changes.heard("lock_out", attempt.name, None, facts)
        return hold

    async def succeeded(self, attempt: Attempt, began: float, *, guessable: bool = True) -> None:
        """Records a success.

        Raises TooManyAttempts where the attempt is locked out. What can't be guessed, as a signature,
        never is.
        """
        failures = await self._attempts.succeeded(attempt, self._rules)
        if guessable and self._rules.locked(failures):
            raise TooManyAttempts(failures.retry_after, self._rules.hold(failures, self.tick() - began))
