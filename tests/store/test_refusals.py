"""The last refusals in the store."""

from __future__ import annotations

import json

import pytest

from gateway.store import Store, refusals
from tests.conftest import Valkey
from tests.record_keys import MAC


def facts(request_id: str) -> str:
    return json.dumps({"request_id": request_id, "status": 403})


@pytest.fixture
async def store(valkey: Valkey, prefix: str) -> Store:
    return Store(valkey.url, prefix, mac=MAC)


async def test_a_refusal_is_found_by_its_request_id(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "PAGE", 3)
    await store.start()
    try:
        await store.refusals.add([])
        await store.refusals.add([facts(f"id-{number}") for number in range(10)])
        for number in (0, 5, 9):
            assert await store.refusals.find(f"id-{number}", 0.0) == facts(f"id-{number}")
        assert await store.refusals.find("id-10", 0.0) is None
        assert await store.refusals.find("id-1", 1e10) is None, "older than an hour"
    finally:
        await store.stop()


async def test_their_number_and_life_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_ENTRIES", 100)
    await store.start()
    try:
        await store.refusals.add([facts(str(number)) for number in range(1000)])
        # `~`: Redis cuts whole blocks of 100 entries.
        assert await store.link.execute("XLEN", store.refusals._key) <= 200
        assert 0 < await store.link.execute("TTL", store.refusals._key) <= refusals.LIFETIME
    finally:
        await store.stop()
