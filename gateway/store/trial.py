"""Whether a store can be reached that nothing here uses yet."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.errors import StoreUnavailable
from gateway.store.address import CLUSTER, StoreAddress
from gateway.store.cluster_view import newest_view
from gateway.store.handshake import check_mode, greet, open_wire
from gateway.store.primary import PrimaryLocator, locator
from gateway.store.redis_errors import CommandRejected, reason_of
from gateway.store.resp_connection import RespConnection
from gateway.store.sentinel_answers import SentinelCredentials
from gateway.store.store_clock import StoreClock

if TYPE_CHECKING:
    from gateway.store.cluster_nodes import ClusterNodes

PAUSE = 0.1
"""Seconds between two attempts."""
MOST_PENDING = 10
"""Commands of a greeting, and some more."""


async def why_unreachable(
    address: StoreAddress, sentinel: SentinelCredentials, *, each: float, within: float
) -> str | None:
    """Why the store can't be used; None: it can. It is tried again and again for `within` seconds.

    `each`: seconds for one connection. Raises StartError where a certificate file can't be read.
    """
    tls = address.ssl_context()
    alone = address.topology != CLUSTER
    servers = _Primary(locator(address, sentinel, each)) if alone else _Masters(address, each)
    reason = "the store did not accept a connection in time"
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    try:
                        for server in await servers.find():
                            async with asyncio.timeout(each):
                                await _greet(server, tls, each, alone=alone)
                        return None
                    except Exception as error:  # whatever it is, the next attempt may succeed
                        reason = reason_of(error)
                    await asyncio.sleep(PAUSE)
    finally:
        await servers.close()
    return reason


async def _greet(server: StoreAddress, tls: ssl.SSLContext | None, each: float, *, alone: bool) -> None:
    """Connects and logs in, as the link does that is to come. Raises StoreUnavailable or OSError."""
    wire = RespConnection(timeout=each, limit=MOST_PENDING)
    try:
        await open_wire(wire, server, tls)
        await greet(wire, server, tracking=False, clock=StoreClock())
        wire.check()
        if alone:
            # Servers before Redis 6 know no HELLO.
            with suppress(CommandRejected):
                check_mode(await wire.send("HELLO", ("HELLO",)))
    finally:
        wire.lose("the trial is over")


class _Primary:
    """One server, of which it may not be known where it is."""

    def __init__(self, primary: PrimaryLocator) -> None:
        self._locator = primary

    async def find(self) -> list[StoreAddress]:
        """Raises StoreUnavailable."""
        return [await self._locator.locate()]

    async def close(self) -> None:
        """Closes the connections to Sentinels."""
        await self._locator.close()


class _Masters:
    """All masters of a cluster."""

    def __init__(self, address: StoreAddress, timeout: float) -> None:
        from gateway.store.cluster_nodes import (  # noqa: PLC0415 (redis-py is several MiB)
            ClusterNodes,
        )

        self._address = address
        self._nodes: ClusterNodes = ClusterNodes(address, timeout)

    async def find(self) -> list[StoreAddress]:
        """Raises StoreUnavailable where the cluster is down, or nobody says what it is."""
        views, problem = await self._nodes.ask(self._address.hosts)
        view = newest_view(views)
        if view is None:
            raise StoreUnavailable(problem)
        if not view.ok or not view.masters:
            raise StoreUnavailable("the cluster is down")
        return [self._address.at(host) for host in sorted(view.masters)]

    async def close(self) -> None:
        """Closes the connections to the nodes."""
        await self._nodes.close()
