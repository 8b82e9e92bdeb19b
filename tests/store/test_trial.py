"""Whether a store could be used, and otherwise why not."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import SentinelCredentials, parse_address
from gateway.store.sentinel_answers import NO_CREDENTIALS
from gateway.store.trial import why_unreachable
from tests.conftest import Valkey
from tests.nodes import Node
from tests.ports import free_port


async def reason(url: str, within: float = 0.2, sentinel: SentinelCredentials = NO_CREDENTIALS) -> str | None:
    return await why_unreachable(parse_address(url), sentinel, each=1.0, within=within)


async def test_a_server_that_can_be_used_has_no_reason_and_is_left_without_a_connection(
    valkey: Valkey,
) -> None:
    with valkey.client as other:
        before = other.info("clients")["connected_clients"]
        assert await reason(valkey.url) is None
        async with asyncio.timeout(10):
            while other.info("clients")["connected_clients"] > before:  # noqa: ASYNC110 (the server says so)
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
async def test_where_nobody_listens_the_reason_says_so(scheme: str) -> None:
    place = "/mymaster" if scheme.endswith("sentinel") else ""
    found = await reason(f"{scheme}://127.0.0.1:{free_port()}{place}", within=0.5)
    assert found is not None
    assert "refused" in found.lower() or "can't be asked: ConnectionError" in found


async def test_a_wrong_password_a_replica_and_a_lone_server_are_told() -> None:
    node = Node({"requirepass": "right"})
    node.start()
    try:
        assert await reason(f"redis://:right@{node.host}") is None
        assert "does not accept the user and password" in str(await reason(f"redis://:wrong@{node.host}"))
        assert "asks for a password" in str(await reason(f"redis://{node.host}"))
        alone = await reason(f"redis+cluster://:right@{node.host}", within=0.5)
        assert alone == f"{node.host} is no node of a cluster"
        with node.client as client:
            client.replicaof("127.0.0.1", str(free_port()))
        assert "read-only replica" in str(await reason(f"redis://:right@{node.host}"))
    finally:
        node.remove()


async def test_a_node_of_a_cluster_and_a_sentinel_are_no_servers_to_use_by_themselves() -> None:
    node = Node({"cluster-enabled": "yes", "cluster-port": free_port()})
    sentinel = Node(sentinel="")
    try:
        for one in (node, sentinel):
            one.start()
        assert "redis+cluster://" in str(await reason(f"redis://{node.host}"))
        assert "redis+sentinel://" in str(await reason(f"redis://{sentinel.host}"))
    finally:
        for one in (node, sentinel):
            one.remove()


async def test_of_several_servers_the_primary_is_found() -> None:
    node = Node()
    node.start()
    try:
        assert await reason(f"redis://127.0.0.1:{free_port()},{node.host}", within=2.0) is None
    finally:
        node.remove()


async def test_a_server_that_hangs_is_given_up_in_time(own_valkey: Valkey) -> None:
    own_valkey.freeze()
    try:
        assert "in time" in str(await reason(own_valkey.url))
    finally:
        own_valkey.thaw()
