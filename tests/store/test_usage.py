"""Usage in the store: added up by slot, bounded, forgotten in time."""

from __future__ import annotations

import pytest

from gateway.store import Store
from gateway.store.usage import CELLS, DAY, HOUR, LIFETIME, MONTH, SPANS, UsageSpan
from tests.conftest import Valkey

NOW = 1_800_000_000
ONES = [1] * CELLS


@pytest.mark.parametrize("span", SPANS, ids=["hour", "day", "month"])
async def test_what_is_added_stands_in_its_slot(store: Store, span: UsageSpan) -> None:
    await store.usage.add("c1", ONES, NOW)
    await store.usage.add("c1", ONES, NOW)
    await store.usage.add("c1", ONES, NOW - span.slot)
    cells = [slot[0] for slot in await store.usage.read("c1", span, NOW)]
    assert (len(cells), cells[-3:]) == (span.slots, [0, 1, 2])


async def test_a_slot_that_comes_round_again_begins_anew(store: Store) -> None:
    await store.usage.add("c1", ONES, NOW)
    later = NOW + HOUR.slot * HOUR.slots
    assert sum(slot[0] for slot in await store.usage.read("c1", HOUR, later)) == 0
    await store.usage.add("c1", ONES, later)
    assert (await store.usage.read("c1", HOUR, later))[-1][0] == 1
    assert sum(slot[0] for slot in await store.usage.read("c1", DAY, later)) == 2


async def test_a_busy_client_takes_a_few_kib_for_a_month(store: Store, valkey: Valkey, prefix: str) -> None:
    for minute in range(60):
        await store.usage.add("c1", [123_456] * CELLS, NOW + minute * 60)
    for day in range(31):
        await store.usage.add("c1", [123_456] * CELLS, NOW + day * 86_400 + day * 3600)
    with valkey.client as client:
        assert int(client.memory_usage(f"{prefix}n:c1") or 0) < 24 * 1024
        assert int(client.hlen(f"{prefix}n:c1")) <= 60 + 24 + 31
        assert 0 < int(client.ttl(f"{prefix}n:c1")) <= LIFETIME


async def test_what_others_put_there_counts_as_nothing(store: Store, valkey: Valkey, prefix: str) -> None:
    epoch = NOW // MONTH.slot
    with valkey.client as client:
        client.hset(f"{prefix}n:c1", f"d{epoch % 31}", f"{epoch}:x,y")
    assert sum(slot[0] for slot in await store.usage.read("c1", MONTH, NOW)) == 0
