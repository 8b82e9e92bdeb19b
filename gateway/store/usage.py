"""Usage of clients over the last hour, day and month: one hash for each, `<prefix>n:<client>`.

Its fields are a ring of slots, so it never exceeds about 8 KiB. It has a TTL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script

CELLS = 12
LIFETIME = 32 * 86_400
"""TTL in seconds after the last write."""


@dataclass(frozen=True, slots=True)
class UsageSpan:
    """A time span, divided into slots."""

    letter: str
    slot: int
    """Seconds."""
    slots: int


HOUR, DAY, MONTH = UsageSpan("m", 60, 60), UsageSpan("h", 3600, 24), UsageSpan("d", 86_400, 31)
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
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def add(self, client_id: str, cells: list[int], now: float) -> None:
        """Adds to the current slot of every span."""
        args: list[str | int] = [",".join(map(str, cells)), LIFETIME]
        for span in SPANS:
            epoch = int(now) // span.slot
            args += [f"{span.letter}{epoch % span.slots}", epoch]
        await self._link.script(ADD, (self._key(client_id),), args)

    async def read(self, client_id: str, span: UsageSpan, now: float) -> list[list[int]]:
        """The cells of every slot of a span, oldest first; the last one is not complete."""
        last = int(now) // span.slot
        epochs = range(last - span.slots + 1, last + 1)
        fields = [f"{span.letter}{epoch % span.slots}" for epoch in epochs]
        kept: list[Any] = await self._link.execute("HMGET", self._key(client_id), *fields)
        return [_cells(data, epoch) for data, epoch in zip(kept, epochs, strict=True)]

    def _key(self, client_id: str) -> str:
        return self._names.client_usage(client_id)


def _cells(data: bytes | None, epoch: int) -> list[int]:
    since, _, text = (data or b"").partition(b":")
    numbers = text.split(b",")
    sound = since == str(epoch).encode() and len(numbers) == CELLS and all(one.isdigit() for one in numbers)
    return [int(one) for one in numbers] if sound else [0] * CELLS
