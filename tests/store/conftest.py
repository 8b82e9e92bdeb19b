"""Fixtures for the tests of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store import RedisConnection, StorePool, parse_address
from tests.conftest import Valkey
from tests.store.stage import linked


@pytest.fixture
async def link(valkey: Valkey) -> AsyncIterator[RedisConnection]:
    async with linked(valkey.url) as link:
        yield link


@pytest.fixture
async def pool(valkey: Valkey) -> AsyncIterator[StorePool]:
    pool = StorePool(lambda: parse_address(valkey.url))
    yield pool
    await pool.close()
