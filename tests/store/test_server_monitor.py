"""What the server is, asked again and again."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.store import KeyNames, Store
from gateway.store.link import Commands
from gateway.store.server_monitor import ServerMonitor
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import answers, linked, until


@asynccontextmanager
async def monitored(url: str, *, allow_eviction: bool = False) -> AsyncIterator[Store]:
    store = Store(url, "test:", mac=MAC, tracking=True, allow_eviction=allow_eviction)
    store.server._interval = 0.05
    store.monitor()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def test_a_gateway_that_only_reads_leaves_a_server_that_is_no_primary_any_more(
    own_valkey: Valkey,
) -> None:
    async with monitored(own_valkey.url) as store:
        with own_valkey.client as other:
            other.replicaof("127.0.0.1", 1)
            await until(lambda: not store.link.connected)
            assert "read-only replica" in store.link.reason
            other.replicaof("NO", "ONE")
        await until(lambda: answers(store.link))


async def test_one_that_ends_as_it_begins_to_ask_leaves_no_question_open(
    valkey: Valkey, recwarn: pytest.WarningsRecorder
) -> None:
    async with linked(valkey.url) as link:
        for steps in range(4):
            monitor = ServerMonitor(link, KeyNames("test:"))
            monitor.start()
            for _ in range(steps):
                await asyncio.sleep(0)
            await monitor.stop()
    gc.collect()
    assert [str(one.message) for one in recwarn] == []


async def test_connections_of_the_pool_are_left_too(own_valkey: Valkey) -> None:
    async with monitored(own_valkey.url) as store:
        with store.pool.client("a test") as redis:
            await redis.ping()
        assert store.pool._made is not None
        store.link.drop("for a test")
        assert store.pool._made is None


async def test_clocks_that_differ_are_a_warning(own_valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    async with monitored(own_valkey.url) as store:
        assert store.server.warnings == ()
        honest = store.clock._local
        store.clock._local = lambda: honest() + 300
        await until(lambda: store.server.warnings != ())
        assert 298 < store.server.clock_difference < 302
        assert "ahead of the store's" in store.server.warnings[0]
        store.clock._local = lambda: honest() - 300
        await until(lambda: "behind the store's" in store.server.warnings[0])
        store.clock._local = honest
        await until(lambda: store.server.warnings == ())
    lines = [record.message for record in caplog.records if "clock is" in record.message]
    assert len(lines) == 1


async def test_a_user_without_the_right_to_ask_for_the_time_is_served(own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.acl_setuser("limited", enabled=True, passwords=["+pw"], commands=["+@all", "-time"], keys=["*"])
    async with monitored(own_valkey.url.replace("unix://", "unix://limited:pw@")) as store:
        await until(lambda: "time" in store.server._refused)
        assert store.link.connected
        assert abs(store.clock() - store.clock._local()) < 1


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_server_that_evicts_is_a_loud_warning_unless_that_is_accepted(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture, allowed: bool
) -> None:
    with own_valkey.client as other:
        other.config_set("maxmemory-policy", "allkeys-lru")
    async with monitored(own_valkey.url, allow_eviction=allowed) as store:
        await until(lambda: store.server.evicts)
        assert [("allkeys-lru" in one) for one in store.server.warnings] == ([] if allowed else [True])
    errors = [one.message for one in caplog.records if one.levelname == "ERROR"]
    assert len(errors) == (0 if allowed else 1)


async def test_a_store_that_loses_its_data_is_reported_and_the_connection_is_made_anew(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    names = KeyNames("test:")
    connections = []

    async def apply(commands: Commands) -> None:
        connections.append(await commands.execute("INCR", names.file_version))

    store = Store(own_valkey.url, "test:", mac=MAC, tracking=True)
    store.server._interval = 0.05
    store.link.on_connect = apply
    with own_valkey.client as other:
        other.hset(names.clients(""), mapping={"a": "1", "b": "2"})
        store.monitor()
        await store.start()
        await until(lambda: store.server._holdings is not None)
        other.flushall()
        await until(lambda: "all 2 clients" in str(store.server.warnings))
        await until(lambda: len(connections) == 2)
        other.hset(names.clients(""), "a", "1")
        store.server._holdings_at = float("-inf")
        await until(lambda: store.server.warnings == ())
    await store.stop()
    assert sum("the store has lost all 2 clients" in one.message for one in caplog.records) == 1
