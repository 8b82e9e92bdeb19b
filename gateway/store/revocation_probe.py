"""Measures how long the store's changes take to reach workers: the proof that revocations are heard.

A key, the canary, changes about once a second. Each worker has read it, so the store tells it of the change
on the connection on which it tells of revoked tokens, in the same order. The worker then answers, by the
store's clock. So a worker that has heard of a canary has dropped every token that was revoked before it.

- `<prefix>canary:number`: its number and when it was written, in microseconds since the epoch.
- `<prefix>canary:heard`: for each worker the number that it has heard of, and when.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.runtime.beat import BEAT, until_beat
from gateway.store.invalidation import INVALIDATE
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script

log = logging.getLogger("gatepost")

INTERVAL = 1.0
"""Seconds between two canaries."""
ALIVE = 5_000_000
"""Microseconds: a worker that has not answered for so long before a canary is gone."""
MAX_WAIT = 1.0
"""Seconds that a proof waits for all workers."""
POLL = 0.004

CHANGE = Script(
    "revocation_probe.change",
    """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local before = redis.call('GET', KEYS[1]) or '0 0'
local number, written = string.match(before, '^(%d+) (%d+)$')
if now - tonumber(written or 0) >= tonumber(ARGV[1]) then
  number, written = string.format('%.0f', tonumber(number or 0) + 1), string.format('%.0f', now)
  redis.call('SET', KEYS[1], number .. ' ' .. written, 'PX', 60000)
  local heard = redis.call('HGETALL', KEYS[2])
  for i = 1, #heard, 2 do
    local at = tonumber(string.match(heard[i + 1], ' (%d+)$') or 0)
    if now - at > 60000000 then redis.call('HDEL', KEYS[2], heard[i]) end
  end
end
-- Read again, so that this connection hears of the next change.
redis.call('GET', KEYS[1])
return {number, written, string.format('%.0f', now)}
""",
)
HEARD = Script(
    "revocation_probe.heard",
    """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local number, written = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if not number then return false end
redis.call('HSET', KEYS[2], ARGV[1], number .. ' ' .. string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[2], 60000)
return {number, written, string.format('%.0f', now)}
""",
)


@dataclass(frozen=True, slots=True)
class RevocationProof:
    """Which workers have heard of everything that was revoked before."""

    heard: int
    workers: int
    """Those of all gateways of the store that have answered lately."""
    seconds: float
    """Until the last of them has heard."""

    @property
    def text(self) -> str:
        """`refused by 6 of 6 workers after 3 ms`."""
        if not self.workers:
            return "no worker is running"
        return f"refused by {self.heard} of {self.workers} workers after {self.seconds * 1000:.0f} ms"


def proof_of(number: int, written: int, answers: Mapping[bytes, bytes]) -> RevocationProof:
    """What the workers' answers say of a canary.

    Args:
        number: the canary's.
        written: when it was written, in microseconds.
        answers: by worker: the number that it has heard of, a space, and when.
    """
    known = [tuple(map(int, answer.split())) for answer in answers.values()]
    alive = [(heard, at) for heard, at in known if at > written - ALIVE]
    times = [at for heard, at in alive if heard >= number]
    return RevocationProof(len(times), len(alive), max((at - written for at in times), default=0) / 1e6)


class RevocationProbe:
    """One for each worker. `start` it to take part; without that it can only `prove`."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._keys = names.canary, names.canary_heard
        self._key = names.canary.encode()
        self._worker = secrets.token_hex(8)
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._tracking = False
        self._seen = 0.0
        self._unheard_since: float | None = None

    @property
    def seen_seconds(self) -> float:
        """How long the last canary took to be heard; more, and growing, while this worker hears nothing."""
        waiting = 0.0 if self._unheard_since is None else monotonic() - self._unheard_since
        return max(self._seen, waiting)

    def start(self) -> None:
        """Begins to change the canary and to answer."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="revocation probe")

    async def stop(self) -> None:
        """Takes part no more."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        with suppress(StoreUnavailable):
            await self._link.execute("HDEL", self._keys[1], self._worker)

    # What the link tells.

    def on_tracking_on(self) -> None:
        """Changes are heard of."""
        self._tracking = True
        self._news.set()

    def on_tracking_off(self) -> None:
        """This worker asks the store for every token, until changes are heard of again."""
        self._tracking = False

    def on_invalidate(self, message: list[Any]) -> None:
        """The canary may have changed."""
        if message[0] == INVALIDATE and (message[1] is None or self._key in message[1]):
            self._news.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                # At the first beat when the canary is old enough. Each worker has beats of its own.
                async with asyncio.timeout(until_beat(INTERVAL + BEAT)):
                    await self._news.wait()
            try:
                await self._step(heard=self._news.is_set() or not self._tracking)
            except StoreUnavailable as error:
                log.debug("no canary: %s", error.reason)
                await asyncio.sleep(INTERVAL)

    async def _step(self, *, heard: bool) -> None:
        if heard:
            self._news.clear()
            answer = await self._link.script(HEARD, self._keys, (self._worker,))
            if answer:
                self._seen, self._unheard_since = (int(answer[2]) - int(answer[1])) / 1e6, None
                return
        # Nobody has changed it for a while. What this changes, this worker hears of, too.
        self._unheard_since = self._unheard_since or monotonic()
        await self._link.script(CHANGE, self._keys, (int(INTERVAL * 1e6),))

    async def prove(self) -> RevocationProof:
        """Changes the canary now, and waits until all workers have heard of it, for `MAX_WAIT` at most.

        Raises StoreUnavailable.
        """
        number, written, _ = map(int, await self._link.script(CHANGE, self._keys, (0,)))
        until = monotonic() + MAX_WAIT
        while True:
            answers = await self._link.execute("HGETALL", self._keys[1])
            proof = proof_of(number, written, as_mapping(answers))
            if proof.heard == proof.workers or monotonic() > until:
                return proof
            await asyncio.sleep(POLL)


def as_mapping(answer: Any) -> Mapping[bytes, bytes]:
    """A hash as RESP2 and RESP3 give it."""
    if isinstance(answer, Mapping):
        return answer
    return dict(zip(answer[::2], answer[1::2], strict=True))
