"""`gatepost client calls`."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import Store
from gateway.store.calls import RecentCall
from tests.commands.conftest import gatepost, said, shown
from tests.conftest import Valkey
from tests.record_keys import MAC

pytestmark = pytest.mark.usefixtures("file")
CALLS = [
    RecentCall(1_800_000_000.5, "GET", "/orders", 200, "", 0.0125, "id-1"),
    RecentCall(1_800_000_001.5, "POST", "/orders", 429, "900800", 0.001, "id-2"),
]


def test_the_last_calls_are_listed_newest_first(valkey: Valkey, prefix: str) -> None:
    async def write() -> None:
        store = Store(valkey.url, prefix, 5, mac=MAC)
        await store.start()
        await store.calls.write("shop", CALLS, {}, 1_800_000_001, 10)
        await store.stop()

    shown("client", "create", "--id", "shop")
    assert shown("client", "calls", "shop", "--json") == []
    asyncio.run(write())
    listed = shown("client", "calls", "shop", "--json")
    assert listed[0] == {
        "time": "2027-01-15T08:00:01Z",
        "method": "POST",
        "route": "/orders",
        "status": 429,
        "code": "900800",
        "seconds": 0.001,
        "request_id": "id-2",
    }
    assert [one["request_id"] for one in listed] == ["id-2", "id-1"]
    lines = gatepost("client", "calls", "shop").stdout.splitlines()
    assert lines[0].split()[:4] == ["TIME", "METHOD", "ROUTE", "STATUS"]
    assert lines[2].split() == ["2027-01-15T08:00:00Z", "GET", "/orders", "200", "-", "12.5", "id-1"]


def test_clients_of_the_file_and_unknown_ones_are_refused() -> None:
    assert "gateway.yaml" in said("client", "calls", "demo")
    assert "there is no client" in said("client", "calls", "nobody")
