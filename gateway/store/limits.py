"""Rate limits shared by all workers of all gateways: uses, leases, and published changes.

- `<prefix>q:<key>`: a hash. `<slot>` is how much was used in that slot of time; `w<worker>` is what a worker
  has leased and not used, what it has in flight, until when that holds, and when it was so. Its TTL is the
  time after which nothing in it counts.
- `<prefix>q`: a sorted set of the workers that are alive, by the time until which they are taken to be.

A worker settles all keys that need it in one round trip. Who needs something gets it as long as any is left;
what a worker wants in advance is a small part of what is left, so that near the end of a limit nothing is
leased in advance. If a request can't be served because others have leased what they do not use, that is
recalled: a message is published, and they give it back. What else changes noticeably is published as well.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.errors import StoreUnavailable
from gateway.store.address import CLUSTER, StoreAddress
from gateway.store.channel import ChannelListener
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.pool import StorePool, subscription
from gateway.store.script import Script

LIFE = 5.0
"""Seconds without a heartbeat after which a worker and its leases are dropped."""
LEVELS = 16
"""The use of a limit is published when it passes one of so many levels; of a smaller limit, each use."""
PAUSE = 0.5
"""Seconds between two attempts to subscribe."""

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
  local limit, low, ttl, keep, in_use, need, want, at, uses = unpack(entry)
  local used, held, busy, mine, first, stalest = 0, 0, 0, 0, nil, nil
  local slots = {}
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    local name, value = fields[j], fields[j + 1]
    if string.sub(name, 1, 1) == 'w' then
      local unused, in_flight, ends, told_at = string.match(value, '^(%d+) (%d+) (%d+) (%d+)$')
      if not ends or tonumber(ends) <= now then
        redis.call('HDEL', key, name)
      elseif name == 'w' .. worker then
        mine = unused + in_flight
      else
        held, busy = held + unused, busy + in_flight
        stalest = math.min(stalest or math.huge, tonumber(told_at))
      end
    elseif tonumber(name) < low then
      redis.call('HDEL', key, name)
    else
      used = used + tonumber(value)
      slots[tonumber(name)] = tonumber(value)
    end
  end
  local before = limit - used - held - busy - mine
  for j = 1, #uses, 2 do
    redis.call('HINCRBY', key, string.format('%.0f', uses[j]), uses[j + 1])
    used = used + uses[j + 1]
    slots[uses[j]] = (slots[uses[j]] or 0) + uses[j + 1]
  end
  for slot, count in pairs(slots) do
    if count > 0 then first = math.min(first or slot, slot) end
  end
  local left, grant = limit - used - held - busy - keep - in_use, 0
  if left > 0 then
    grant = math.min(left, need)
    local spare = left - grant
    if workers > 1 then spare = math.floor(spare / (2 * workers)) end
    grant = grant + math.min(want, spare)
    left = left - grant
  end
  if keep + grant + in_use > 0 then
    local lease = string.format('%.0f %.0f %.0f %.0f', keep + grant, in_use, now + life, at)
    redis.call('HSET', key, 'w' .. worker, lease)
  else
    redis.call('HDEL', key, 'w' .. worker)
  end
  redis.call('PEXPIRE', key, ttl)
  local steps = math.min(levels, limit)
  local recall = grant < need and held + busy > 0
  if recall or (before <= 0 and left > 0)
    or math.floor(before * steps / limit) ~= math.floor(left * steps / limit) then
    news[#news + 1] = {string.sub(key, tonumber(ARGV[6])), math.max(left, 0), recall and worker or ''}
  end
  answers[i] = {grant, left, held, first or -1, stalest or -1}
end
if #news > 0 or joined > 0 or gone > 0 then
  redis.call('PUBLISH', channel, cjson.encode({workers, news}))
end
return cjson.encode({now, workers, answers})
""",
)


@dataclass(slots=True, frozen=True, kw_only=True)
class LeaseEntry:
    """What a worker reports and requests for one key."""

    key: str
    limit: int
    low: int
    """The first slot whose uses count."""
    ttl: float
    """Seconds after which the key expires."""
    keep: int
    """The unused lease that the worker keeps."""
    in_use: int
    """Requests in flight, of a limit of concurrent requests."""
    need: int
    """The number of waiting requests."""
    want: int
    """The number to lease beside that."""
    at: float
    """The time of this report, by the worker's estimate of the store's time; never ahead of it."""
    uses: tuple[int, ...]
    """Uses since the last report as slot, number, slot, number, …; negative: put back."""


@dataclass(slots=True, frozen=True)
class LeaseOutcome:
    """The store's answer for one key."""

    grant: int
    """The new lease of the worker, beside the one it kept."""
    left: int
    """The unused and unleased rest; negative where the limit is exceeded."""
    held: int
    """The unused leases of other workers, by their last reports."""
    first: int | None
    """The oldest slot with uses."""
    stalest: float | None = None
    """The time of the oldest last report of another worker with a lease; None: there is none."""


@dataclass(slots=True, frozen=True)
class LeaseSettlement:
    """The store's answer to one round trip."""

    now: float
    """The store's time: seconds since the epoch."""
    workers: int
    outcomes: tuple[LeaseOutcome, ...]


News = Callable[[int, list[tuple[str, int, str]]], None]
"""Called with the number of workers, and with keys, their rest, and the worker that recalls leases or ''."""


def settle_call(
    names: KeyNames, worker: str, entries: Sequence[LeaseEntry]
) -> tuple[list[str], list[str | float | int]]:
    """Keys and arguments of the script."""
    start = names.limits
    told = [
        [e.limit, e.low, int(e.ttl * 1000), e.keep, e.in_use, e.need, e.want, int(e.at * 1000), e.uses]
        for e in entries
    ]
    keys = [names.limit_workers, *(start + e.key for e in entries)]
    return keys, [worker, int(LIFE * 1000), names.limit_news, LEVELS, json.dumps(told), len(start) + 1]


def settled(reply: bytes) -> LeaseSettlement:
    """The script's reply."""
    now, workers, answers = json.loads(reply)
    # An empty table is `{}` to the script's encoder.
    outcomes = tuple(
        LeaseOutcome(
            int(grant),
            int(left),
            int(held),
            None if first < 0 else int(first),
            None if stalest < 0 else stalest / 1000,
        )
        for grant, left, held, first, stalest in (answers or [])
    )
    return LeaseSettlement(now / 1000, int(workers), outcomes)


class LimitStore:
    """Methods raise StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, pool: StorePool, names: KeyNames, *, timeout: float = 1.0) -> None:
        """`timeout`: seconds for the server to answer a subscription."""
        self._link = link
        self._pool = pool
        self._names = names
        self._timeout = timeout
        self._tls: ssl.SSLContext | None = None

    async def settle(self, worker: str, entries: Sequence[LeaseEntry]) -> LeaseSettlement:
        """Settles any number of keys in one round trip."""
        keys, args = settle_call(self._names, worker, entries)
        return settled(await self._link.script(SETTLE, keys, args))

    async def used(self, key: str, low: int) -> int:
        """How much was used of a limit in the slots from `low` on, as far as workers have told."""
        found = await self._link.execute("HGETALL", self._names.limits + key)
        fields = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return sum(int(count) for slot, count in fields if slot.isdigit() and int(slot) >= low)

    async def leave(self, worker: str) -> None:
        """Unregisters a worker."""
        await self._link.execute("ZREM", self._names.limit_workers, worker)

    async def listen(self, news: News, ready: Callable[[], None]) -> None:
        """Calls `news` for what is published after `ready`, until cancelled; reconnects after a loss."""
        while True:
            try:
                address = self._link.server
                if address.topology == CLUSTER:
                    await self._listen_in_cluster(news, ready)
                else:
                    await self._listen_at(address, news, ready)
            except StoreUnavailable:
                await asyncio.sleep(PAUSE)

    async def _listen_at(self, address: StoreAddress, news: News, ready: Callable[[], None]) -> None:
        self._tls = self._tls or address.ssl_context()
        listener = ChannelListener(
            address, self._tls, timeout=self._timeout, on_rejected=self._pool.on_rejected
        )
        await listener.hear(
            self._names.limit_news,
            lambda data: _tell(news, data),
            ready,
            stays=lambda: self._link.server == address,
        )

    async def _listen_in_cluster(self, news: News, ready: Callable[[], None]) -> None:
        with self._pool.client("news of limits") as redis:
            async with subscription(redis, self._names.limit_news) as channel:
                ready()
                while True:
                    message = await channel.get_message(ignore_subscribe_messages=True, timeout=1.0)
                    if message is not None and message["type"] == "message":
                        _tell(news, message["data"])


def _tell(news: News, data: bytes) -> None:
    workers, keys = json.loads(data)
    news(int(workers), [(str(key), int(left), str(by)) for key, left, by in (keys or [])])
