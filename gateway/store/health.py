"""Whether tokens can be judged, issued and revoked now. A trial says so: what a server refuses depends on its
memory, its disk, its replicas and the rights of the user.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.redis_errors import CommandRejected, SlotMoving
from gateway.store.script import Script
from gateway.store.token_scripts import FACTS, ISSUE_REUSABLE

log = logging.getLogger("gatepost")

RETRY = 2.0
"""Seconds between two trials while writes are refused."""
MIN_PAUSE = 0.2
"""Seconds at least between two trials, however many commands are refused."""
PATIENCE = 0.3
"""Seconds at most for which whoever asks waits for a trial; then what was known before counts."""
WRITE_REFUSALS = frozenset({"MISCONF", "NOPERM", "NOREPLICAS", "OOM"})
"""Codes with which a server that answers reads may refuse writes."""

TRY_ISSUE = Script("store.try_issue", ISSUE_REUSABLE.source)
TRY_JUDGE = Script("store.try_judge", FACTS.source)
"""The scripts that issue and judge tokens, under names of their own in the metrics."""


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What the store can do for this worker now."""

    issue_problem: str | None = None
    """Why no token can be issued; None: tokens can be issued."""
    revoke_problem: str | None = None
    """Why no token can be revoked; None: tokens can be revoked."""


class StoreHealth:
    """Tries whether tokens can be issued and revoked: on each new connection, when a write was refused, and
    every `RETRY` seconds while writes are refused.
    """

    def __init__(
        self, link: StoreLink, names: KeyNames, retry: float = RETRY, *, ending: Commands | None = None
    ) -> None:
        self._link = link
        self._ending: Commands = link if ending is None else ending
        self._names = names
        self._retry = retry
        self._tried = StoreReport()
        self._due = asyncio.Event()
        self._trying = False
        self._tried_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._asked: asyncio.Task[None] | None = None
        """The trial that somebody has asked for last."""

    def start(self) -> None:
        """Begins to watch."""
        self._task = asyncio.create_task(self._run(), name="store health")

    async def stop(self) -> None:
        """Ends the trials."""
        tasks = [task for task in (self._task, self._asked) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    @property
    def report(self) -> StoreReport:
        """What is known now."""
        away = None if self._link.connected else self._link.reason
        return self._tried if away is None else StoreReport(away, away)

    async def judge(self) -> None:
        """Returns if tokens can be judged, but for those whose slot of a cluster is on its way just now: that
        ends by itself, and no other gateway could judge them. Raises StoreUnavailable.
        """
        await asyncio.gather(*(self._judge(group) for group in self._names.groups))

    async def _judge(self, group: str) -> None:
        names = self._names
        generations = names.client_generations(group), names.user_generations
        with suppress(SlotMoving):
            await self._link.script(TRY_JUDGE, (names.probe("token", group),), generations)

    def on_up(self) -> None:
        """There is a new connection, perhaps to another server."""
        self._due.set()

    def on_rejected(self, refusal: CommandRejected) -> None:
        """A command was refused."""
        if refusal.code in WRITE_REFUSALS and not self._trying:
            self._due.set()

    async def current_report(self) -> StoreReport:
        """What holds now: tries where the last trial is older than `RETRY` seconds. A worker that is asked
        may be one that nobody has asked for a token lately.
        """
        if self._link.connected and not self._trying and monotonic() - self._tried_at >= self._retry:
            self._asked = asyncio.create_task(self._try(), name="store trial")
            await asyncio.wait({self._asked}, timeout=PATIENCE)
        return self.report

    async def try_writes(self) -> StoreReport:
        """Tries now. Raises StoreUnavailable where the connection is lost."""
        return StoreReport(await self._issue(), await self._revoke())

    async def _run(self) -> None:
        while True:
            refused = self._tried != StoreReport()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry if refused else None):
                    await self._due.wait()
            self._due.clear()
            if self._link.connected:
                await self._try()
            await asyncio.sleep(MIN_PAUSE)

    async def _try(self) -> None:
        self._trying, self._tried_at = True, monotonic()
        try:
            tried = await self.try_writes()
        except StoreUnavailable:
            return  # the connection is lost; the next one is tried again
        finally:
            self._trying = False
        self._note("issued", self._tried.issue_problem, tried.issue_problem)
        self._note("revoked", self._tried.revoke_problem, tried.revoke_problem)
        self._tried = tried

    async def _issue(self) -> str | None:
        """Why no token can be issued."""
        names = self._names
        for group in names.groups:
            token, generation, reuse = self._probes(group)
            keys = (token, generation, names.file_clients_in(group), reuse)
            args = ("{}", 1000, "probe", "", "", "probe", 0, names.tokens(group))
            refusal = await self._refusal(self._link.script(TRY_ISSUE, keys, args))
            if refusal is not None:
                return refusal
        return None

    async def _revoke(self) -> str | None:
        """Why no token can be revoked. Removes what `_issue` has written."""
        for group in self._names.groups:
            refusal = await self._refusal(self._ending.execute("DEL", *self._probes(group)))
            if refusal is not None:
                return refusal
        return None

    def _probes(self, group: str) -> tuple[str, ...]:
        return tuple(self._names.probe(part, group) for part in ("token", "generation", "reuse"))

    async def _refusal(self, command: Any) -> str | None:
        try:
            await command
        except CommandRejected as refusal:
            return None if refusal.moving else refusal.reason
        except SlotMoving:
            return None
        return None

    def _note(self, done: str, before: str | None, now: str | None) -> None:
        """Logs each new reason once."""
        if now is not None and now != before:
            log.warning("tokens can't be %s now: %s", done, now)
        elif now is None and before is not None:
            log.info("tokens can be %s again", done)
