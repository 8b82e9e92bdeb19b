"""A hash is read whole, whatever its size."""

from __future__ import annotations

import pytest

from gateway.store.hash_scan import PAGE, scan_hash
from gateway.store.redis_connection import RedisConnection


@pytest.mark.parametrize("size", [0, 1, 2 * PAGE + 1])
async def test_every_field_of_a_hash_is_read(link: RedisConnection, size: int) -> None:
    fields = {f"f{number}".encode(): f"{number}".encode() for number in range(size)}
    if fields:
        await link.execute("HSET", "scanned", *(part for pair in fields.items() for part in pair))
    assert {field: value async for field, value in scan_hash(link, "scanned", 100)} == fields
