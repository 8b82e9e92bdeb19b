"""Limits that all workers of all gateways share: what was used, what is on loan, and news of both.

- `<prefix>q:<key>`: a hash. `<slot>` is how much was used in that slot of time; `w<worker>` is what a worker
  has on loan, and until when. Its TTL is the time after which nothing in it counts.
- `<prefix>q`: a sorted set of the workers that are alive, by the time until which they are taken to be.

A worker settles all keys that need it in one round trip. What changes noticeably is published, so that a
worker that has not asked about a key yet knows roughly how much of it is left.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.store.link import Link
from gateway.store.pool import Pool
from gateway.store.script import Script

LIFE = 5.0
"""Seconds after which a worker that was not heard of is taken to be gone, with what it had on loan."""
LEVELS = 16
"""A limit's use is published when it passes one of so many levels; each single use of a smaller limit."""
PAUSE = 0.5
"""Seconds between two attempts to listen."""

SETTLE = Script(
    "limits.settle",
    """
local worker, life, channel = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local levels = tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local joined = redis.call('ZADD', KEYS[1], now + life, worker)
local gone = redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], life)
local workers = redis.call('ZCARD', KEYS[1])
local answers, news = {}, {}

for i, entry in ipairs(cjson.decode(ARGV[5])) do
  local key = KEYS[i + 1]
  local limit, low, ttl, keep, want, uses = unpack(entry)
  local used, held, mine, first = 0, 0, 0, nil
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    local name, value = fields[j], fields[j + 1]
    if string.sub(name, 1, 1) == 'w' then
      local amount, ends = string.match(value, '^(%d+) (%d+)$')
      if not ends or tonumber(ends) <= now then
        redis.call('HDEL', key, name)
      elseif name == 'w' .. worker then
        mine = tonumber(amount)
      else
        held = held + tonumber(amount)
      end
    elseif tonumber(name) < low then
      redis.call('HDEL', key, name)
    else
      used = used + tonumber(value)
      first = math.min(first or tonumber(name), tonumber(name))
    end
  end
  local before = limit - used - held - mine
  for j = 1, #uses, 2 do
    redis.call('HINCRBY', key, string.format('%.0f', uses[j]), uses[j + 1])
    used = used + uses[j + 1]
    first = math.min(first or uses[j], uses[j])
  end
  local left, grant = limit - used - held - keep, 0
  if left > 0 and want > 0 then
    grant = math.min(want, math.max(1, math.floor(left / workers)))
    left = left - grant
  end
  if keep + grant > 0 then
    local loan = string.format('%.0f %.0f', keep + grant, now + life)
    redis.call('HSET', key, 'w' .. worker, loan)
  else
    redis.call('HDEL', key, 'w' .. worker)
  end
  redis.call('PEXPIRE', key, ttl)
  local steps = math.min(levels, limit)
  if math.floor(before * steps / limit) ~= math.floor(left * steps / limit) then
    news[#news + 1] = {string.sub(key, tonumber(ARGV[6])), math.max(left, 0)}
  end
  answers[i] = {grant, left, held, first or -1}
end
if #news > 0 or joined > 0 or gone > 0 then
  redis.call('PUBLISH', channel, cjson.encode({workers, news}))
end
return cjson.encode({now, workers, answers})
""",
)


@dataclass(slots=True, frozen=True)
class Entry:
    """What a worker has to say of one key, and what it asks for."""

    key: str
    limit: int
    low: int
    """The first slot that still counts."""
    ttl: float
    """Seconds after which nothing of it counts any more."""
    keep: int
    """What the worker keeps of what it has on loan."""
    want: int
    """What it would have on loan beside that."""
    uses: tuple[int, ...]
    """Slot, number, slot, number, … of what was used since the last time."""


@dataclass(slots=True, frozen=True)
class Outcome:
    """What the store says of one key."""

    grant: int
    """What the worker has on loan from now on, beside what it kept."""
    left: int
    """What nobody has used or has on loan; less than 0 where more was used than there is."""
    held: int
    """What other workers have on loan."""
    first: int | None
    """The oldest slot in which something was used."""


@dataclass(slots=True, frozen=True)
class Settled:
    """The store's answer to one round trip."""

    now: float
    """The store's time: seconds since the epoch."""
    workers: int
    outcomes: tuple[Outcome, ...]


News = Callable[[int, list[tuple[str, int]]], None]
"""Is told how many workers there are, and of keys how much is left of them."""


def settle_call(
    prefix: str, worker: str, entries: Sequence[Entry]
) -> tuple[list[str], list[str | float | int]]:
    """Keys and arguments of the script."""
    start = f"{prefix}q:"
    told = [[e.limit, e.low, int(e.ttl * 1000), e.keep, e.want, e.uses] for e in entries]
    keys = [f"{prefix}q", *(start + e.key for e in entries)]
    return keys, [worker, int(LIFE * 1000), f"{prefix}q:news", LEVELS, json.dumps(told), len(start) + 1]


def settled(reply: bytes) -> Settled:
    """The script's reply."""
    now, workers, answers = json.loads(reply)
    # An empty table is `{}` to the script's encoder.
    outcomes = tuple(
        Outcome(int(grant), int(left), int(held), None if first < 0 else int(first))
        for grant, left, held, first in (answers or [])
    )
    return Settled(now / 1000, int(workers), outcomes)


class LimitStore:
    """The limits under `prefix`. Methods raise StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, pool: Pool, prefix: str) -> None:
        self._link = link
        self._pool = pool
        self._prefix = prefix

    async def settle(self, worker: str, entries: Sequence[Entry]) -> Settled:
        """Tells what was used and asks for more, for any number of keys in one round trip."""
        keys, args = settle_call(self._prefix, worker, entries)
        return settled(await self._link.script(SETTLE, keys, args))

    async def leave(self, worker: str) -> None:
        """The worker is gone."""
        await self._link.execute("ZREM", f"{self._prefix}q", worker)

    async def listen(self, news: News, ready: Callable[[], None]) -> None:
        """Hands on what is published from `ready` on, until it is cancelled; after a loss it begins again."""
        while True:
            try:
                with self._pool.client("news of limits") as redis:
                    await self._hear(redis.pubsub(), news, ready)
            except StoreUnavailable:
                await asyncio.sleep(PAUSE)

    async def _hear(self, channel: Any, news: News, ready: Callable[[], None]) -> None:
        async with channel:
            await channel.subscribe(f"{self._prefix}q:news")
            ready()
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=1.0)
                if message is not None and message["type"] == "message":
                    workers, keys = json.loads(message["data"])
                    news(int(workers), [(str(key), int(left)) for key, left in (keys or [])])
