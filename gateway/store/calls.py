"""The last calls of clients, and how many there were of each kind on each day.

`<prefix>l:<client>` is a stream of bounded length. `<prefix>d:<client>` is a hash of counts, whose fields are
`<day> <status> <reason> <route>`. Both have a TTL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script

DAY = 86_400
DAYS = 31
"""Days of which counts are kept, today among them: as long as usage is."""
LIFETIME = 32 * DAY
"""TTL of the counts, in seconds after the last write."""
CALLS_LIFETIME = 7 * DAY
"""The same of the last calls."""
MOST_KINDS = 2000
"""Fields of a client's counts. What is beyond is counted as `OTHER`."""
OTHER = "other"
"""Stands for the route of calls that are counted without one."""
_CALL = b"call"
_LONGEST = 200

WRITE = Script(
    "calls.write",
    """
local most, recent = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 8, 7 + recent do redis.call('XADD', KEYS[1], 'MAXLEN', most, '*', 'call', ARGV[i]) end
if recent > 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
local day, first, kinds = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
if redis.call('HGET', KEYS[2], 'day') ~= day then
  local fields = redis.call('HGETALL', KEYS[2])
  for i = 1, #fields, 2 do
    local of = string.match(fields[i], '^(%d+) ')
    if of and tonumber(of) < first then redis.call('HDEL', KEYS[2], fields[i]) end
  end
  redis.call('HSET', KEYS[2], 'day', day)
end
for i = 8 + recent, #ARGV, 2 do
  local field = day .. ' ' .. ARGV[i]
  if redis.call('HEXISTS', KEYS[2], field) == 0 and redis.call('HLEN', KEYS[2]) > kinds then
    field = day .. ' 0 - other'
  end
  redis.call('HINCRBY', KEYS[2], field, ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[2], ARGV[4])
""",
)


class RecentCall(NamedTuple):
    """One call."""

    time: float
    """Seconds since the epoch."""
    method: str
    route: str
    """The route's path as configured."""
    status: int
    reason: str
    """The code of the problem with which the gateway refused it; empty: it did not."""
    seconds: float
    request_id: str


class CallKind(NamedTuple):
    """Calls that are counted together."""

    route: str
    status: int
    reason: str


class CallCount(NamedTuple):
    """Calls of a kind on a day."""

    day: int
    """Days since the epoch, in UTC."""
    kind: CallKind
    number: int


class CallStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def write(
        self,
        client_id: str,
        calls: Sequence[RecentCall],
        counts: Mapping[CallKind, int],
        now: float,
        most: int,
    ) -> None:
        """Adds the last calls, of which `most` are kept, and counts for today."""
        day = int(now) // DAY
        told = [
            text
            for kind, number in counts.items()
            for text in (f"{kind.status} {kind.reason or '-'} {kind.route}", number)
        ]
        lines = [_line(one) for one in calls]
        args = [most, len(lines), CALLS_LIFETIME, LIFETIME, day, day - DAYS + 1, MOST_KINDS, *lines, *told]
        await self._link.script(WRITE, self._keys(client_id), args)

    async def last(self, client_id: str, most: int) -> list[RecentCall]:
        """The last calls, newest first."""
        found: list[tuple[bytes, list[bytes]]] = await self._link.execute(
            "XREVRANGE", self._keys(client_id)[0], "+", "-", "COUNT", most
        )
        read = (_call(dict(zip(fields[::2], fields[1::2], strict=True)).get(_CALL)) for _, fields in found)
        # Workers write in batches. A batch whose answer was lost may be there twice.
        calls = dict.fromkeys(one for one in read if one is not None)
        return sorted(calls, key=lambda one: one.time, reverse=True)

    async def counts(self, client_id: str, now: float) -> list[CallCount]:
        """What was counted in the last `DAYS` days."""
        found = await self._link.execute("HGETALL", self._keys(client_id)[1])
        fields = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        first = int(now) // DAY - DAYS + 1
        read = (_count(field, number) for field, number in fields)
        return sorted(one for one in read if one is not None and one.day >= first)

    def _keys(self, client_id: str) -> tuple[str, str]:
        return self._names.last_calls(client_id), self._names.call_counts(client_id)


def _line(call: RecentCall) -> str:
    return json.dumps(
        [
            round(call.time, 3),
            call.method[:_LONGEST],
            call.route,
            call.status,
            call.reason,
            round(call.seconds, 4),
            call.request_id[:_LONGEST],
        ],
        separators=(",", ":"),
    )


def _call(line: bytes | None) -> RecentCall | None:
    try:
        time, method, route, status, reason, seconds, request_id = json.loads(line or b"")
        return RecentCall(
            float(time), str(method), str(route), int(status), str(reason), float(seconds), str(request_id)
        )
    except (ValueError, TypeError):
        return None


def _count(field: bytes, number: bytes) -> CallCount | None:
    try:
        day, status, reason, route = field.decode().split(" ", 3)
        kind = CallKind(route, int(status), "" if reason == "-" else reason)
        return CallCount(int(day), kind, int(number))
    except ValueError:
        return None
