"""Connections for what is not on the hot path: redis-py's own client, with bounds on everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from redis.asyncio import (
    BlockingConnectionPool,
    Redis,
    RedisCluster,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisClusterException, RedisError, ResponseError

from gateway.errors import StoreUnavailable
from gateway.store.address import CLUSTER, StoreAddress
from gateway.store.handshake import check_role
from gateway.store.redis_errors import CommandRejected
from gateway.store.redis_options import client_options
from gateway.store.resp_connection import OnRejected, ignore

CLUSTER_RETRIES = 5
"""How often redis-py sends a command again that meets a slot on its way, or a master that is gone."""


class RedisPool:
    """A bounded pool of connections; each wait in it ends after `timeout` seconds."""

    def __init__(
        self, address: StoreAddress, *, timeout: float, size: int, on_rejected: OnRejected = ignore
    ) -> None:
        self._on_rejected = on_rejected
        self._redis = (
            _cluster(address, timeout) if address.topology == CLUSTER else _pool(address, timeout, size)
        )

    @contextmanager
    def client(self, doing: str) -> Iterator[Redis]:
        """The client, for a `with` around its commands: what goes wrong with it becomes StoreUnavailable."""
        try:
            yield self._redis
        except ResponseError as error:
            raise self._rejected(doing, error) from None
        except (RedisError, RedisClusterException, OSError) as error:
            raise StoreUnavailable(
                f"the store can't be reached for {doing}: {type(error).__name__}"
            ) from None

    def _rejected(self, doing: str, error: ResponseError) -> CommandRejected:
        # redis-py takes the code off this text.
        text = f"NOPERM {error}" if isinstance(error, NoPermissionError) else str(error)
        refusal = CommandRejected(doing, text)
        self._on_rejected(refusal)
        return refusal

    async def close(self) -> None:
        """Closes every connection."""
        await self._redis.aclose()


def _pool(address: StoreAddress, timeout: float, size: int) -> Redis:
    options = client_options(address, timeout, username=address.username, password=address.password)
    options.pop("ssl", None)
    if address.path is not None:
        options |= {"connection_class": UnixDomainSocketConnection, "path": address.path}
    else:
        options |= {"host": address.host, "port": address.port}
        options |= {"connection_class": SSLConnection} if address.tls else {}
    options["redis_connect_func"] = _only_primary
    return Redis.from_pool(
        BlockingConnectionPool(max_connections=size, timeout=timeout, db=address.db, **options)
    )


async def _only_primary(connection: Any) -> None:
    """Logs in, and refuses a replica: after a failover it may not have what its primary has."""
    await connection.on_connect()
    await connection.send_command("HELLO")
    try:
        check_role(await connection.read_response())
    except ResponseError:
        return  # a server before Redis 6
    except StoreUnavailable as error:
        raise RedisConnectionError(error.reason) from None


def _cluster(address: StoreAddress, timeout: float) -> Redis:
    """redis-py's client for clusters, which has the same commands. It follows MOVED and ASK."""
    options = client_options(address, timeout, username=address.username, password=address.password)
    options["retry"] = Retry(ExponentialBackoff(cap=0.1, base=0.02), CLUSTER_RETRIES)
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    return cast("Redis", RedisCluster(startup_nodes=nodes, **options))
