"""Sentinels and clusters that speak TLS only, also among themselves: with a server that was built with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client, TokenInfo
from gateway.store import Store, TokenDraft, group_of
from tests.record_keys import MAC
from tests.store.stage import until
from tests.topologies import PATIENCE, ClusterSet, SentinelSet, Tls, cluster_set, sentinel_set, wait_for

pytestmark = pytest.mark.skipif(Tls.PROGRAM is None, reason="redis-server is not installed")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = Store(url, "test:", mac=MAC, tracking=True)
    store.monitor()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


def draft(client: str) -> TokenDraft:
    facts = TokenInfo(client, (), (), client, 0, 600, "client_credentials")
    return TokenDraft(f"{group_of(client)}-{client}", facts, 600)


async def is_live(store: Store, client: str) -> bool:
    return await store.tokens.facts(draft(client).hash) is not None


async def is_told_that_it_must_not_trust(servers: SentinelSet | ClusterSet) -> None:
    """Without the certificate among the trusted ones."""

    async def is_told() -> bool:
        with pytest.raises(StoreUnavailable) as error:
            await store.ping()
        return "can't be asked" in error.value.reason

    async with opened(servers.url) as store:
        # A slow machine may take longer to ask them than a question waits for the store.
        await until(is_told, PATIENCE)


async def test_sentinels_and_servers_with_tls_are_used_and_a_failover_is_followed(tmp_path: Path) -> None:
    tls = Tls(tmp_path)
    with sentinel_set(tls=tls) as servers:
        await is_told_that_it_must_not_trust(servers)
        async with opened(f"{servers.url}?ssl_ca_certs={tls.file}") as store:
            await until(lambda: store.link.connected, PATIENCE)
            for name in ("kept", "ended"):
                await store.tokens.issue(draft(name))
            await store.tokens.revoke(draft("ended").hash)
            await store.clients.create(Client("shop"))
            wait_for(lambda: servers.first.client.wait(1, 1000) == 1)
            servers.first.kill()
            await until(lambda: store.link.server.port == servers.second.port, PATIENCE)
            await until(lambda: store.link.connected, PATIENCE)
            assert [await is_live(store, name) for name in ("kept", "ended")] == [True, False]
            assert [client.id for client in await store.clients.list()] == ["shop"]


async def test_a_cluster_with_tls_is_used_at_all_its_masters(tmp_path: Path) -> None:
    tls = Tls(tmp_path)
    names = [f"client-{number}" for number in range(24)]
    with cluster_set(replicas=0, tls=tls) as servers:
        await is_told_that_it_must_not_trust(servers)
        async with opened(f"{servers.url}?ssl_ca_certs={tls.file}") as store:
            await until(lambda: store.link.connected, PATIENCE)
            for name in names:
                await store.tokens.issue(draft(name))
            assert all(len(master.client.keys("test:t:*")) > 0 for master in servers.masters)
            for name in names[::2]:
                await store.tokens.revoke(draft(name).hash)
            assert [await is_live(store, name) for name in names] == [False, True] * 12
            await store.clients.create(Client("shop"))
            assert [client.id for client in await store.clients.list()] == ["shop"]
