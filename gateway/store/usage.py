"""What clients have done, over the last hour, day and month: one hash for each, `<prefix>n:<client>`.

Its fields are slots that are used again and again, so it never grows past some 8 KiB, and ends by its TTL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.store.link import Link
from gateway.store.script import Script

CELLS = 12
LIFETIME = 32 * 86_400
"""Seconds after the last entry until all is forgotten."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that is told in slots."""

    letter: str
    slot: int
    """Seconds."""
    slots: int


HOUR, DAY, MONTH = Span("m", 60, 60), Span("h", 3600, 24), Span("d", 86_400, 31)
SPANS = (HOUR, DAY, MONTH)

ADD = Script(
    "usage.add",
    """
for i = 3, #ARGV, 2 do
  local field, epoch, sums, out = ARGV[i], ARGV[i + 1], {}, {}
  local kept = redis.call('HGET', KEYS[1], field)
  local since, cells = string.match(kept or '', '^(%d+):(.*)$')
  if since == epoch then
    for number in string.gmatch(cells, '%d+') do sums[#sums + 1] = tonumber(number) end
  end
  for number in string.gmatch(ARGV[1], '%d+') do
    out[#out + 1] = string.format('%.0f', (sums[#out + 1] or 0) + tonumber(number))
  end
  redis.call('HSET', KEYS[1], field, epoch .. ':' .. table.concat(out, ','))
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
""",
)


class UsageStore:
    """Counts under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    async def add(self, client_id: str, cells: list[int], now: float) -> None:
        """Adds to the slots of this moment, of every span."""
        args: list[str | int] = [",".join(map(str, cells)), LIFETIME]
        for span in SPANS:
            epoch = int(now) // span.slot
            args += [f"{span.letter}{epoch % span.slots}", epoch]
        await self._link.script(ADD, (self._key(client_id),), args)

    async def read(self, client_id: str, span: Span, now: float) -> list[list[int]]:
        """The cells of every slot of a span, the oldest first; the last one is still filling."""
        last = int(now) // span.slot
        epochs = range(last - span.slots + 1, last + 1)
        fields = [f"{span.letter}{epoch % span.slots}" for epoch in epochs]
        kept: list[Any] = await self._link.execute("HMGET", self._key(client_id), *fields)
        return [_cells(data, epoch) for data, epoch in zip(kept, epochs, strict=True)]

    def _key(self, client_id: str) -> str:
        return f"{self._prefix}n:{client_id}"


def _cells(data: bytes | None, epoch: int) -> list[int]:
    since, _, text = (data or b"").partition(b":")
    numbers = text.split(b",")
    sound = since == str(epoch).encode() and len(numbers) == CELLS and all(one.isdigit() for one in numbers)
    return [int(one) for one in numbers] if sound else [0] * CELLS
