"""The server that Envoys subscribe at: aggregated discovery over gRPC, incremental. Needs extra `xds`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from envoy.service.discovery.v3 import ads_pb2_grpc

from gateway.xds.bootstrap import UNIX
from gateway.xds.log import Log
from gateway.xds.messages import read_request, write_update
from gateway.xds.resources import ORDER, Resources
from gateway.xds.subscriptions import Request, Subscriptions

SOCKET_MODE = 0o660
_MOST_WAITING = 1000
"""Messages of an Envoy that wait to be read."""
_GRACE = 5.0
"""Seconds that streams have to end."""
_OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    # Two servers on one port would answer in turn.
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """PEM files of the server."""

    certificate: Path
    key: Path
    client_ca: Path
    """Who has no certificate by it gets nothing: the resources have private keys in them."""


class DiscoveryServer:
    """Serves the same resources to all Envoys, and changes to each when they come."""

    def __init__(self, resources: Resources, log: Log) -> None:
        self._resources = resources
        self._log = log
        self._streams: set[asyncio.Queue[Request | None]] = set()
        self._ending = False
        self._server = grpc.aio.server(options=_OPTIONS)
        ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(self, self._server)

    async def start(self, address: str, tls: ServerTls | None) -> str:
        """Begins to serve; the address with its port.

        Raises:
            OSError: it can't be bound, or a file can't be read.
        """
        before = os.umask(0o777 & ~SOCKET_MODE)
        try:
            port = self._bind(address, tls)
        except RuntimeError as error:
            raise OSError(f"can't listen on {address}") from error
        finally:
            os.umask(before)
        await self._server.start()
        return address if address.startswith(UNIX) else f"{address.rpartition(':')[0]}:{port}"

    def _bind(self, address: str, tls: ServerTls | None) -> int:
        if tls is None:
            # One that was left behind.
            Path(address.removeprefix(UNIX)).unlink(missing_ok=True)
            return int(self._server.add_insecure_port(address))
        credentials = grpc.ssl_server_credentials(
            [(tls.key.read_bytes(), tls.certificate.read_bytes())],
            root_certificates=tls.client_ca.read_bytes(),
            require_client_auth=True,
        )
        return int(self._server.add_secure_port(address, credentials))

    async def stop(self) -> None:
        """Ends all streams. Envoys keep what they have."""
        self._ending = True
        for waiting in self._streams:
            _wake(waiting)
        await self._server.stop(grace=_GRACE)

    def replace(self, resources: Resources) -> None:
        """Serves another configuration from now on."""
        self._resources = resources
        for waiting in self._streams:
            _wake(waiting)

    # The names that gRPC gives these methods (N802).
    async def DeltaAggregatedResources(  # noqa: N802
        self, requests: AsyncIterator[Any], _: Any
    ) -> AsyncIterator[Any]:
        """One Envoy, until it hangs up."""
        waiting: asyncio.Queue[Request | None] = asyncio.Queue(_MOST_WAITING)
        envoy = _Envoy(self._resources, self._log)
        reader = asyncio.create_task(envoy.read(requests, waiting))
        self._streams.add(waiting)
        try:
            while not self._ending and not (reader.done() and waiting.empty()):
                message = await waiting.get()
                envoy.look_at(self._resources)
                if message is not None:
                    envoy.hear(message)
                for update in envoy.subscriptions.updates():
                    yield write_update(update)
        finally:
            self._streams.discard(waiting)
            reader.cancel()
            self._log.left(envoy.name)

    async def StreamAggregatedResources(self, _: AsyncIterator[Any], context: Any) -> None:  # noqa: N802
        """The form that sends everything at each change is not served."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "use api_type: DELTA_GRPC")


class _Envoy:
    """One stream."""

    def __init__(self, resources: Resources, log: Log) -> None:
        self.subscriptions = Subscriptions(resources)
        self.name = "?"
        self._resources = resources
        self._log = log

    async def read(self, requests: AsyncIterator[Any], waiting: asyncio.Queue[Request | None]) -> None:
        """Reads what it says until it hangs up."""
        try:
            async for message in requests:
                if message.HasField("node"):
                    # Only the first has it.
                    self.name = message.node.id
                    self._log.came(self.name)
                await waiting.put(read_request(message))
        finally:
            _wake(waiting)

    def look_at(self, resources: Resources) -> None:
        """What is served now, which may be what was served before."""
        if resources is not self._resources:
            self._resources = resources
            self.subscriptions.replace(resources)

    def hear(self, request: Request) -> None:
        if request.kind not in ORDER:
            return
        if self.subscriptions.hear(request):
            self._log.refused(self.name, request.kind, request.error or "")


def _wake(waiting: asyncio.Queue[Request | None]) -> None:
    """Where messages wait, whoever reads them is awake."""
    if not waiting.full():
        waiting.put_nowait(None)
