"""Revocations that count only when replicas have them, too (`store.revoke_wait_replicas`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any, Protocol

from gateway.errors import StoreUnavailable
from gateway.store.redis_connection import RedisConnection
from gateway.store.redis_errors import CommandRejected
from gateway.store.resp_connection import Argument, Decode, OnRejected, ignore
from gateway.store.script import Script

MOVING = frozenset({"ASK", "MOVED", "TRYAGAIN"})
"""Codes with which a node of a cluster says that a slot is elsewhere, or on its way."""
WAIT_SHARE = 0.4
"""Part of the time of a command for which replicas are waited for."""
PAUSE = 0.05
"""Seconds until the next attempt then: by that time the link knows better."""


class WaitingLink(Protocol):
    """A link of its own for revocations: WAIT holds up whatever follows on a connection."""

    def link_for(self, args: Sequence[Argument]) -> RedisConnection:
        """The connection that a command goes to. Raises StoreUnavailable."""


class ReplicatedCommands:
    """Runs commands, and returns only when so many replicas have what they wrote.

    Raises StoreUnavailable otherwise, although the primary has done it: whoever asked must ask again.
    """

    def __init__(self, link: WaitingLink, replicas: int, timeout: float) -> None:
        self._link = link
        self._replicas = replicas
        self._timeout = timeout
        self._milliseconds = round(timeout * WAIT_SHARE * 1000)
        self._locks: dict[RedisConnection, asyncio.Lock] = {}
        self.on_rejected: OnRejected = ignore
        """Is told of each revocation that too few replicas have."""

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        """Runs one command, in a task of its own: time-outs need one."""
        return await asyncio.create_task(self._execute(args, decode))

    async def _execute(self, args: Sequence[Argument], decode: Decode | None) -> Any:
        end = monotonic() + self._timeout
        while True:
            try:
                answer, reached = await self._send(self._link.link_for(args), args)
            except CommandRejected as moved:
                # Not redirected: WAIT would go where the command was not done.
                if moved.code not in MOVING or monotonic() > end:
                    raise
                await asyncio.sleep(PAUSE)
                continue
            if reached < self._replicas:
                self.on_rejected(too_few_replicas())
                raise too_few_replicas()
            return answer if decode is None else decode(answer)

    async def _send(self, link: RedisConnection, args: Sequence[Argument]) -> tuple[Any, int]:
        """The answer, and how many replicas have it. One at a time: each would wait for those before it, and
        the connection would seem to hang.
        """
        try:
            async with asyncio.timeout(self._timeout), self._locks.setdefault(link, asyncio.Lock()):
                return await link.send_and_wait(
                    args, self._replicas, round(self._timeout * WAIT_SHARE * 1000)
                )
        except TimeoutError:
            raise StoreUnavailable("the revocation waits for others, and these for replicas") from None

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        """Runs a script, by its text: were it sent again after NOSCRIPT, it would come behind WAIT."""
        words = ("EVAL", script.source, len(keys), *keys, *args)
        return asyncio.ensure_future(self.execute(*words, decode=decode))


def too_few_replicas() -> CommandRejected:
    """What a revocation fails with that too few replicas have."""
    return CommandRejected("the revocation", "NOREPLICAS")
