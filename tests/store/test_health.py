"""Whether tokens can be issued and revoked, found out by trying."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import TokenInfo
from gateway.store import Store, StoreReport, TokenDraft
from gateway.store.health import StoreHealth
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.redis_errors import CommandRejected
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import until

FINE = StoreReport(None, None)
DRAFT = TokenDraft("h", TokenInfo("demo", (), (), "demo", 0, 60, "client_credentials"), 60)


@asynccontextmanager
async def watched(url: str, prefix: str = "test:", retry: float = 0.05) -> AsyncIterator[Store]:
    store = Store(url, prefix, mac=MAC)
    store.health._retry = retry
    store.monitor()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def test_a_fit_server_takes_everything_and_the_trial_leaves_nothing(own_valkey: Valkey) -> None:
    async with watched(own_valkey.url) as store:
        with own_valkey.client as other:
            await until(lambda: b"cmdstat_del" in str(other.info("commandstats")).encode())
            assert other.keys() == []
        assert store.health.report == FINE
        await store.health.judge()


async def test_a_full_server_is_found_before_anybody_asks_for_a_token(own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.config_set("maxmemory", 1)
        async with watched(own_valkey.url) as store:
            await until(lambda: store.health.report.issue_problem is not None)
            assert "its memory is full" in str(store.health.report.issue_problem)
            assert store.health.report.revoke_problem is None
            await store.health.judge()
            other.config_set("maxmemory", 0)
            await until(lambda: store.health.report == FINE)


async def test_a_refused_token_starts_a_trial_and_trials_go_on_until_writes_are_taken(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with own_valkey.client as other:
        async with watched(own_valkey.url) as store:
            await store.tokens.issue(DRAFT)
            other.config_set("min-replicas-to-write", 1)
            with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
                await store.tokens.issue(DRAFT)
            await until(
                lambda: None not in (store.health.report.issue_problem, store.health.report.revoke_problem)
            )
            other.config_set("min-replicas-to-write", 0)
            await until(lambda: store.health.report == FINE)
    lines = [record.message for record in caplog.records if record.name == "gatepost"]
    assert sum("tokens can't be issued now" in line for line in lines) == 1


async def test_a_part_of_a_cluster_that_is_away_is_told_and_nothing_is_left_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Some groups can be asked, and refuse; of others it is known that they can't."""

    class Link:
        asked = 0

        def script(self, *_: object) -> asyncio.Future[object]:
            Link.asked += 1
            if Link.asked > 3:
                raise StoreUnavailable("no server has the slot")
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(CommandRejected("store.try_judge", "CLUSTERDOWN The cluster is down"))
            return refused

    health = StoreHealth(cast("StoreLink", Link()), KeyNames("test:", cluster=True))
    with pytest.raises(StoreUnavailable):
        await health.judge()
    await asyncio.sleep(0)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_who_asks_does_not_wait_for_a_slow_server(own_valkey: Valkey) -> None:
    async with watched(own_valkey.url, retry=0.0) as store:
        await until(lambda: store.health.report == FINE)
        own_valkey.freeze()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await store.health.current_report()
        assert loop.time() - begun < 0.9, "a command has a second"
        own_valkey.thaw()


async def test_without_a_connection_nothing_can_be_done(own_valkey: Valkey) -> None:
    async with watched(own_valkey.url) as store:
        await until(lambda: store.health.report == FINE)
        own_valkey.kill()
        await until(lambda: not store.link.connected)
        report = store.health.report
        assert report.issue_problem == report.revoke_problem == store.link.reason
        with pytest.raises(StoreUnavailable):
            await store.health.judge()


async def test_a_server_that_does_not_run_the_judging_script_can_judge_nothing(own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.execute_command(
            "ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "-evalsha", "-eval", "-script"
        )
    async with watched(own_valkey.url.replace("unix://", "unix://limited:pw@")) as store:
        with pytest.raises(StoreUnavailable, match="NOPERM"):
            await store.health.judge()
