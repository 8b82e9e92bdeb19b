"""What happened to tokens: none is let in again once its revocation was acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.stage import Caller, seconds_until
from tests.running import Running

MARGIN = 1.0
"""Seconds after an acknowledgement from which a use counts. The bound is 0.1 s, and a second where a worker
can't hear; a loaded machine adds to it what it likes.
"""
PAUSE = 0.02


@dataclass
class History:
    """Callers who take a token, use it, revoke it and use it again, for as long as the test likes."""

    uses: int = 0
    unknown: int = 0
    """Uses of these whose answers were neither yes nor no: the store could not be asked."""
    revoked: dict[str, float] = field(default_factory=dict)
    """When the revocation of each token was acknowledged."""
    let_in: list[float] = field(default_factory=list)
    """Seconds since the acknowledgement, for each use that was let in after it and the margin."""
    killed: list[str] = field(default_factory=list)
    """Live tokens that were refused."""
    may_revoke: asyncio.Event = field(default_factory=asyncio.Event)
    _lives: int = 0
    _resting: int = 0
    """Lives that wait until they may revoke."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, callers: list[Caller], stop: asyncio.Event) -> None:
        """One life: tokens are taken and revoked at the first gateway, and used at all."""
        self._lives += 1
        while not stop.is_set():
            token = await self._new_token(callers[0])
            if token is None:
                await asyncio.sleep(PAUSE)
                continue
            for caller in callers:
                if await self._use(caller, token) == 401:
                    self.killed.append(token)
            await self._rest()
            await self._revoke(callers[0], token)
            newest = list(self.revoked)[-3:]
            await self.check(callers, newest)

    async def quiet(self) -> None:
        """Returns when nothing is issued or revoked; nothing is until `may_revoke` is set again."""
        self.may_revoke.clear()
        while self._resting < self._lives:
            self._changed.clear()
            await self._changed.wait()

    async def has_revoked(self) -> bool:
        """Whether there is something to judge. On a busy machine that takes longer."""
        return len(self.revoked) > 0

    async def _rest(self) -> None:
        self._resting += 1
        self._changed.set()
        await self.may_revoke.wait()
        self._resting -= 1

    async def check(self, callers: list[Caller], tokens: Iterable[str]) -> None:
        """Uses revoked tokens once more."""
        for token in tokens:
            for caller in callers:
                begun = time.monotonic()
                since = begun - self.revoked[token]
                if await self._use(caller, token) == 200 and since > MARGIN:
                    self.let_in.append(since)

    async def _revoke(self, caller: Caller, token: str) -> None:
        if await caller.revoke(token) == 200:
            self.revoked[token] = time.monotonic()

    async def _new_token(self, caller: Caller) -> str | None:
        try:
            return await caller.token(600)
        except AssertionError:
            # Again and again while there is no master, however long an election takes.
            return None

    async def _use(self, caller: Caller, token: str) -> int:
        status = await caller.use(token)
        self.uses += 1
        self.unknown += status == 503
        return status


@asynccontextmanager
async def load(history: History, gateways: list[Running], seconds: float) -> AsyncIterator[None]:
    """Lives that begin at each of the gateways; they last for so long before and after what is done here."""
    stop = asyncio.Event()
    lives = [[Caller(other) for other in (one, *gateways)] for one in gateways]
    history.may_revoke.set()
    running = [asyncio.create_task(history.run(callers, stop)) for callers in lives]
    await asyncio.sleep(seconds)
    try:
        yield
    finally:
        history.may_revoke.set()
        await asyncio.sleep(seconds)
        await seconds_until(history.has_revoked)
        stop.set()
        await asyncio.gather(*running)
        for caller in (caller for callers in lives for caller in callers):
            await caller.close()
