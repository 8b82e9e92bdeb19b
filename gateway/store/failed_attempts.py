"""Counters of failed authentication attempts: by name and address, by address, by name.

Every key has a TTL, and a digest for the name: names are untrusted and can have any length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from time import monotonic
from typing import Any

from gateway.oauth.brute_force import Attempt, LockoutPolicy
from gateway.runtime.caches import MIB, register
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script
from gateway.store.tracked_cache import TrackedCache

DIGEST_BYTES = 12
LONGEST_REMEMBERED = 255
"""Characters of a name; longer ones belong to nobody and are not cached."""
SUCCESS_REMEMBERED = 7 * 86_400
"""Seconds for which a success of a name from an address is recorded."""
LONGEST_KNOWN = 86_400
"""Seconds for which counts are cached, so that a success is recorded again in time."""
READ, FAILED, SUCCEEDED = "read", "failed", "succeeded"
_COUNTS = register(
    "failed attempts", __name__, entries=4096, key_bytes=LONGEST_REMEMBERED, total_bytes=16 * MIB
)

COUNT = Script(
    "attempts.count",
    """
-- Atomic: of any number of concurrent attempts no more are counted than the limits allow.
local window, kept, outcome = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local limits, counts, full = {tonumber(ARGV[4]), tonumber(ARGV[5])}, {}, false
for i = 1, 3 do
  counts[i] = tonumber(redis.call('GET', KEYS[i]) or 0)
  if limits[i] and counts[i] >= limits[i] then full = true end
end
local known = redis.call('PTTL', KEYS[4])
local counted = outcome == 'failed' and not full
if counted then
  for i = 1, 3 do counts[i] = redis.call('INCR', KEYS[i]) end
elseif outcome == 'succeeded' and known < kept / 2 and (known > 0 or not full) then
  redis.call('SET', KEYS[4], '1', 'PX', kept)
  known = kept
end
local lock, first = 0, 0
for i = 1, 3 do
  local left = redis.call('PTTL', KEYS[i])
  if left == -1 then
    redis.call('PEXPIRE', KEYS[i], window)
    left = window
  end
  if limits[i] and left > 0 then
    if first == 0 or left < first then first = left end
    if counts[i] >= limits[i] then lock = math.max(lock, left) end
  end
end
return {counts[1], counts[2], counts[3], lock, known > 0 and 1 or 0, counted and 1 or 0, first}
""",
)


@dataclass(slots=True, frozen=True)
class FailedAttempts:
    """Failures in the current windows (`gateway.oauth.brute_force.FailureCounts`)."""

    pair: int = 0
    address: int = 0
    client: int = 0
    retry_after: int = 0
    succeeded_before: bool = False
    counted: bool = False


class FailedAttemptStore:
    """A window begins with its first failure."""

    def __init__(self, link: StoreLink, names: KeyNames, tick: Callable[[], float] = monotonic) -> None:
        self._link = link
        self._names = names
        self._tick = tick
        self.counts: TrackedCache[Attempt, tuple[FailedAttempts, float, float]] = TrackedCache(
            _COUNTS.entries
        )
        """Cached counts, the time of reading, and the end of the first window, by `tick`.
        Off until the store sends invalidations."""

    def known(self, attempt: Attempt) -> FailedAttempts | None:
        """The cached counts. None: the store must be asked."""
        cached = self.counts.get(attempt)
        if cached is None:
            return None
        counts, read, end = cached
        now = self._tick()
        if now >= end:
            return None
        if not counts.retry_after:
            return counts
        return replace(counts, retry_after=max(1, counts.retry_after - int(now - read)))

    async def read(self, attempt: Attempt, rules: LockoutPolicy) -> FailedAttempts:
        """The counts, from the store."""
        return await self._run(READ, attempt, rules)

    async def failed(self, attempt: Attempt, rules: LockoutPolicy) -> FailedAttempts:
        """Counts a failure, unless a limit is reached already; the counts with it.

        Decides atomically in the store whether the attempt may be answered (`counted`), so that no more are
        than the limits allow.
        """
        # The invalidation may arrive after the answer: until then others must ask the store.
        self.counts.changed(key.encode() for key in self._keys(attempt)[:3])
        return await self._run(FAILED, attempt, rules)

    async def succeeded(self, attempt: Attempt, rules: LockoutPolicy) -> FailedAttempts:
        """Records a success of the name from the address, unless a limit is reached; the counts.

        Failures stay counted: else guesses from an address would be free while the owner of the name, or of
        another one, succeeds there.
        """
        return await self._run(SUCCEEDED, attempt, rules)

    async def _run(self, outcome: str, attempt: Attempt, rules: LockoutPolicy) -> FailedAttempts:
        keys, asked = self._keys(attempt), self._tick()

        def decode(answer: list[Any]) -> FailedAttempts:
            pair, address, client, lock, known, counted, first = (int(number) for number in answer)
            counts = FailedAttempts(pair, address, client, -(-lock // 1000), bool(known), bool(counted))
            if not counted and len(attempt.name) <= LONGEST_REMEMBERED:
                end = asked + min(first / 1000 or LONGEST_KNOWN, LONGEST_KNOWN)
                # Not the last key: a recorded success does not change the counts.
                self.counts.put(attempt, (counts, asked, end), keys[:3])
            return counts

        args = (
            rules.window * 1000,
            SUCCESS_REMEMBERED * 1000,
            outcome,
            rules.pair_limit,
            rules.address_limit,
        )
        return await self._link.script(COUNT, keys, args, decode)  # type: ignore[no-any-return]  # decode's

    def _keys(self, attempt: Attempt) -> tuple[str, str, str, str]:
        area, name, address = attempt
        names = self._names
        # Areas and addresses have no spaces, so the texts are unambiguous.
        pair = _digest(f"{area} {address} {name}")
        return (
            names.failed_attempts("p", pair),
            names.failed_attempts("a", _digest(f"{area} {address}")),
            names.failed_attempts("c", _digest(f"{area} {name}")),
            names.failed_attempts("s", pair),
        )


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
