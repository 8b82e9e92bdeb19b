"""The link for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.address import CLUSTER, StoreAddress
from gateway.store.invalidation import InvalidationListener
from gateway.store.primary import locator
from gateway.store.redis_connection import RedisConnection
from gateway.store.resp_connection import Observer, ignore
from gateway.store.sentinel_answers import NO_CREDENTIALS, SentinelCredentials

if TYPE_CHECKING:
    from gateway.store.cluster_connection import ClusterConnection


def make_link(
    address: StoreAddress,
    sentinel: SentinelCredentials = NO_CREDENTIALS,
    *,
    timeout: float = 1.0,
    tracking: bool = False,
    listener: InvalidationListener | None = None,
    observer: Observer = ignore,
    follow: bool = True,
) -> RedisConnection | ClusterConnection:
    """A link that is not started yet. Raises StartError where a certificate file can't be read.

    `follow`: in a cluster, commands that a node refuses are sent where it says.
    """
    if address.topology == CLUSTER:
        from gateway.store.cluster_connection import (  # noqa: PLC0415 (redis-py is several MiB in each worker)
            ClusterConnection,
        )

        return ClusterConnection(
            address,
            timeout=timeout,
            tracking=tracking,
            listener=listener,
            observer=observer,
            follow=follow,
        )
    return RedisConnection(
        address,
        timeout=timeout,
        tracking=tracking,
        listener=listener,
        observer=observer,
        primary=locator(address, sentinel, timeout),
    )
