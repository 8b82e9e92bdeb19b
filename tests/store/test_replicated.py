"""Revocations that count only when replicas have them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.user import User
from gateway.store import Store, TokenDraft, group_of
from tests.record_keys import MAC
from tests.store.stage import until
from tests.topologies import PATIENCE, ClusterSet, Node, wait_for

TOO_FEW = "too few of its replicas are in step"


@asynccontextmanager
async def opened(url: str, replicas: int = 1, prefix: str = "test:", **options: Any) -> AsyncIterator[Store]:
    store = Store(url, prefix, mac=MAC, revoke_wait_replicas=replicas, **options)
    store.monitor()
    await store.start()
    await until(lambda: store.link.connected, PATIENCE)
    try:
        yield store
    finally:
        await store.stop()


def draft(store: Store, client: str = "demo") -> TokenDraft:
    name = store.names.token_name("hash", group_of(client))
    return TokenDraft(name, TokenInfo(client, (), (), client, 0, 60, "client_credentials"), 60)


async def test_a_revocation_is_acknowledged_only_when_a_replica_has_it() -> None:
    primary = Node()
    replica = Node({"replicaof": f"127.0.0.1 {primary.port}"})
    try:
        primary.start()
        replica.start()
        wait_for(lambda: replica.client.info("replication")["master_link_status"] == "up")
        async with opened(f"redis://{primary.host}") as store:
            token = draft(store)
            await store.tokens.issue(token)
            await store.tokens.revoke(token.hash)
            key = store.names.token(token.hash)
            assert replica.client.exists(key) == 0
            await until(lambda: store.health.report.revoke_problem is None, PATIENCE)

            await store.tokens.issue(token)
            user = await store.users.create(User("Ada", "hash", source="store"))
            await store.clients.create(Client("shop"))
            replica.freeze()
            endings: list[Callable[[], Awaitable[object]]] = [
                lambda: store.tokens.revoke(token.hash),
                lambda: store.tokens.revoke_all("demo"),
                lambda: store.refresh_tokens.end("family"),
                lambda: store.users.replace(user, user),
                lambda: store.clients.update("shop", lambda one: one, end_tokens=True),
                lambda: store.clients.delete("shop"),
            ]
            for end in endings:
                # It may have to wait behind the trial that readiness asks for.
                with pytest.raises(StoreUnavailable, match="replicas"):
                    await end()
            # Everything else goes on, and readiness says what does not.
            await store.tokens.issue(token)
            assert await store.tokens.facts(token.hash) is not None
            await until(lambda: TOO_FEW in str(store.health.report.revoke_problem), PATIENCE)
            replica.thaw()
            await until(lambda: store.health.report.revoke_problem is None, PATIENCE)
    finally:
        primary.remove()
        replica.remove()


async def test_in_a_cluster_the_master_that_has_the_token_waits_for_its_own_replicas(
    quiet_cluster: ClusterSet, prefix: str
) -> None:
    async with opened(quiet_cluster.url, prefix=prefix) as store:
        names = (f"client-{number}" for number in range(1000))
        clients: dict[int, str] = {}
        while len(clients) < len(quiet_cluster.masters):
            client = next(names)
            clients[quiet_cluster.owner_of(store.names.client_generation(client)).port] = client
        for port, client in clients.items():
            token = draft(store, client)
            await store.tokens.issue(token)
            if port == quiet_cluster.masters[0].port:
                await store.tokens.revoke(token.hash)
            else:
                with pytest.raises(StoreUnavailable, match="replicas"):
                    await store.tokens.revoke(token.hash)
            assert await store.tokens.facts(token.hash) is None
