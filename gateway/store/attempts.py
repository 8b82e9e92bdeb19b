"""Failed client authentications, counted in windows: by client and address, by address, by client.

Every key has a TTL, and holds a digest: what a stranger calls a client can be of any length and content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from time import monotonic
from typing import Any

from gateway.store.link import Link
from gateway.store.script import Script
from gateway.store.tracked import Tracked

DIGEST_BYTES = 12
LONGEST_REMEMBERED = 255
"""Characters of a client id: longer ones are nobody's, and are asked about each time."""

COUNT = Script(
    "attempts.count",
    """
local window, wait, counts = tonumber(ARGV[1]), 0, {}
for i, key in ipairs(KEYS) do
  counts[i] = redis.call('INCR', key)
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('PEXPIRE', key, window)
    left = window
  end
  if i <= 2 then wait = math.max(wait, left) end
end
counts[#counts + 1] = wait
return counts
""",
)

READ = Script(
    "attempts.read",
    """
local wait, counts = 0, {}
for i, key in ipairs(KEYS) do
  counts[i] = tonumber(redis.call('GET', key) or 0)
  if i <= 2 then wait = math.max(wait, redis.call('PTTL', key)) end
end
counts[#counts + 1] = wait
return counts
""",
)


@dataclass(slots=True, frozen=True)
class Failures:
    """How often it failed in the windows under way."""

    pair: int
    """This client from this address."""
    address: int
    """Any client from this address."""
    client: int
    """This client from any address."""
    retry_after: int
    """Seconds until the windows of the pair and the address are over, rounded up; 0 where there is none.
    Nobody is shut out for the client's count alone, so its window does not tell when to come again."""


class AttemptStore:
    """Counts under `prefix`. A window begins with its first failure and ends `window` seconds later."""

    def __init__(
        self, link: Link, prefix: str, window: int = 60, tick: Callable[[], float] = monotonic
    ) -> None:
        self._link = link
        self._prefix = prefix
        self._window = window
        self._tick = tick
        self.counts: Tracked[tuple[str, str], tuple[Failures, float]] = Tracked()
        """What this worker has read, and when the first window is over, by `tick`.
        Off until it hears from the store."""

    def known(self, client_id: str, address: str) -> Failures | None:
        """The counts, where this worker knows them by itself. None: the store has to be asked."""
        counted = self.counts.get((client_id, address))
        return counted[0] if counted is not None and self._tick() < counted[1] else None

    async def record_failure(self, client_id: str, address: str) -> Failures:
        """Counts one failure and returns the counts with it."""
        keys = self._keys(client_id, address)
        # The store says so here too, but only after its answer: who comes before that must ask.
        self.counts.changed(key.encode() for key in keys)
        return _failures(await self._link.script(COUNT, keys, (self._window * 1000,)))

    async def failures(self, client_id: str, address: str) -> Failures:
        """The counts as they stand."""
        keys, asked = self._keys(client_id, address), self._tick()

        def read(answer: list[Any]) -> Failures:
            failures = _failures(answer)
            if len(client_id) <= LONGEST_REMEMBERED:
                self.counts.put((client_id, address), (failures, asked + _end(answer)), keys)
            return failures

        return await self._link.script(READ, keys, (), read)  # type: ignore[no-any-return]  # read's

    async def clear(self, client_id: str, address: str) -> None:
        """Forgets the pair's failures, after a success.

        The other counts stay: else whoever owns one client could wash off his guesses at others.
        """
        await self._link.execute("DEL", self._keys(client_id, address)[0])

    def _keys(self, client_id: str, address: str) -> tuple[str, str, str]:
        start = f"{self._prefix}f:"
        # An address has no space, so the pair's text is unambiguous.
        return (
            f"{start}p:{_digest(f'{address} {client_id}')}",
            f"{start}a:{_digest(address)}",
            f"{start}c:{_digest(client_id)}",
        )


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def _failures(answer: list[Any]) -> Failures:
    pair, address, client, wait = (int(number) for number in answer)
    return Failures(pair, address, client, retry_after=-(-wait // 1000))


def _end(answer: list[Any]) -> float:
    """Seconds for which the counts hold unless something fails: the client's own shuts nobody out."""
    wait = int(answer[-1])
    return wait / 1000 if wait > 0 else inf
