"""What the server is and holds, asked again and again.

A gateway that only reads never meets the error of a replica, and nobody says that a server deletes what it
has no room for, or has lost its data.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.runtime.beat import until_beat
from gateway.store.eviction import eviction_problem, read_policy
from gateway.store.handshake import check_role
from gateway.store.holdings import Holdings, read_holdings
from gateway.store.invalidation import INVALIDATE
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.redis_errors import CommandRejected

log = logging.getLogger("gatepost")

INTERVAL = 0.4
"""Seconds between two questions for role and time. With the link's longest pause less than a second."""
HOLDINGS_INTERVAL = 5.0
"""Seconds between two looks at what the server holds."""
POLICY_INTERVAL = 60.0
"""Seconds between two questions for the eviction policy."""
MAX_CLOCK_DIFFERENCE = 2.0
"""Seconds between the store's clock and this machine's that are worth a warning."""
ALWAYS = float("-inf")


class ServerMonitor:
    """A server that is no primary any more is left at once. What else is wrong is one line in the log, and a
    warning for as long as it is so.
    """

    def __init__(
        self, link: StoreLink, names: KeyNames, *, allow_eviction: bool = False, interval: float = INTERVAL
    ) -> None:
        self._link = link
        self._names = names
        self._allow_eviction = allow_eviction
        self._interval = interval
        self._refused: frozenset[str] = frozenset()
        """Questions that this server does not answer."""
        self._policy: str | None = None
        self._policy_at = self._holdings_at = ALWAYS
        self._holdings: Holdings | None = None
        self._lost: tuple[str, ...] = ()
        self._clocks_differ = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to ask."""
        self._task = asyncio.create_task(self._run(), name="store server")

    async def stop(self) -> None:
        """Ends the questions."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def clock_difference(self) -> float:
        """Seconds that this machine's clock is ahead of the store's; negative: behind."""
        return self._link.clock.difference

    @property
    def evicts(self) -> bool:
        """Whether the server deletes keys without a TTL when its memory is full."""
        return self._policy is not None and self._policy.startswith("allkeys-")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should mend although everything works."""
        found = [self._eviction_problem(), self._clock_warning() if self._clocks_differ else None]
        if self._lost:
            found.append(f"the store has lost {', '.join(self._lost)}: restore a backup")
        return tuple(one for one in found if one is not None)

    # What the store's connection reports.

    def on_up(self) -> None:
        """There is a new connection, perhaps to another server."""
        self._refused = frozenset()
        self._policy_at = self._holdings_at = ALWAYS

    def on_tracking_on(self) -> None:
        """Does nothing: see `on_up`."""

    def on_tracking_off(self) -> None:
        """Does nothing."""

    def on_invalidate(self, message: list[Any]) -> None:
        """Looks at once where the server says that all keys have changed."""
        if message[0] == INVALIDATE and message[1] is None:
            self._holdings_at = ALWAYS

    async def _run(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                await self._ask()
            self._compare_clocks()
            await asyncio.sleep(until_beat(self._interval))

    async def _ask(self) -> None:
        now = monotonic()
        # Both leave in one write, and the answers come in one.
        await asyncio.gather(self._try("role", self._ask_role), self._try("time", self._ask_time))
        if now - self._policy_at >= POLICY_INTERVAL:
            self._policy_at = now
            await self._try("policy", self._ask_policy)
        if now - self._holdings_at >= HOLDINGS_INTERVAL:
            self._holdings_at = now
            await self._try("holdings", self._look_at_holdings)

    async def _try(self, question: str, ask: Callable[[], Awaitable[None]]) -> None:
        """Asks, unless this server refuses the question: a right is missing, or it is too old."""
        if question in self._refused:
            return
        try:
            await ask()
        except CommandRejected as refusal:
            self._refused |= {question}
            log.debug("the store does not tell its %s: %s", question, refusal.reason)

    async def _ask_role(self) -> None:
        await self._link.execute("HELLO", decode=self._take_role)

    async def _ask_time(self) -> None:
        await self._link.ask_time()

    def _take_role(self, answer: Any) -> None:
        try:
            check_role(answer)
        except StoreUnavailable as error:
            self._link.drop(error.reason)

    async def _ask_policy(self) -> None:
        before = self._policy
        answer = await self._link.execute("INFO", "memory")
        self._policy = read_policy(answer if isinstance(answer, bytes) else b"")
        problem = self._eviction_problem()
        if problem is not None and self._policy != before:
            log.error("%s", problem)

    def _eviction_problem(self) -> str | None:
        if self._policy is None or self._allow_eviction:
            return None
        return eviction_problem(self._policy)

    async def _look_at_holdings(self) -> None:
        now = await read_holdings(self._link, self._names)
        before, self._holdings = self._holdings, now
        if before is None:
            return
        lost = tuple(now.lost_since(before, evicts=self.evicts))
        if lost:
            self._lost = lost
            log.error("the store has lost %s: restore a backup (`gatepost store import`)", ", ".join(lost))
        elif self._lost and now.clients + now.applications + now.users > 0:
            self._lost = ()
        if before.loads and not now.loads:
            # What gateway.yaml declares is written again on the next connection.
            log.error("the store has lost its data; its connection is made anew to write gateway.yaml's part")
            self._link.drop("the store has lost its data")

    def _compare_clocks(self) -> None:
        """Logs once that the clocks differ, and once that they don't any more."""
        differ = abs(self.clock_difference) > MAX_CLOCK_DIFFERENCE
        if differ and not self._clocks_differ:
            log.warning("%s", self._clock_warning())
        elif self._clocks_differ and not differ:
            log.info("this machine's clock agrees with the store's again")
        self._clocks_differ = differ

    def _clock_warning(self) -> str:
        difference = self.clock_difference
        return (
            f"this machine's clock is {abs(difference):.1f} s {'ahead of' if difference > 0 else 'behind'} "
            "the store's: run NTP on both"
        )
