"""One configuration being served: the service and its acceptors.

A reload creates the next instance and lets it accept before the old one stops acceptor. Both use the same
listening sockets, so no connection is refused in between.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from aiohttp import web

from gateway.config.model import Settings
from gateway.config.server import ServerTimeouts
from gateway.http.edge_header import EdgeHeader
from gateway.otel.tracer import Tracer
from gateway.process.acceptor import Acceptor
from gateway.process.certificates import TlsListener
from gateway.process.drain import IDLE_DELAY, GracefulDrain
from gateway.process.listeners import start_listening
from gateway.process.management import DRAINING, RELEASED
from gateway.process.process_status import ProcessStatus
from gateway.server.aiohttp_server import GatewayServer
from gateway.telemetry import Telemetry

log = logging.getLogger("gatepost")

STOP_TIMEOUT = 10.0
"""Seconds the service may take to stop after the drain."""


class Service(Protocol):
    """The interface of the gateway application (`gateway.app.Gateway`) to the process that serves it."""

    @property
    def runner(self) -> web.BaseRunner:
        """The aiohttp runner of the public listeners."""

    @property
    def redirect_runner(self) -> web.BaseRunner | None:
        """The aiohttp runner of listeners that redirect to https; None without them."""

    @property
    def grpc_protocol(self) -> Callable[[], asyncio.Protocol] | None:
        """Makes connections of listeners on which proxies ask by gRPC; None without them."""

    @property
    def management(self) -> web.Application:
        """The aiohttp application of the management listener."""

    async def start(self) -> None:
        """Connects to the store, loads keys and the like. GatepostError if it can't serve."""

    async def stop(self) -> None:
        """Stops background tasks and closes all connections."""


class Build(Protocol):
    """Creates a `Service`, for instance a class with this constructor."""

    def __call__(
        self,
        settings: Settings,
        *,
        store_url: str,
        telemetry: Telemetry,
        record_request: Callable[..., None] | None,
        status: ProcessStatus,
        tracer: Tracer | None,
    ) -> Service:
        """`record_request` writes an entry to the access log; None if the access log is off.

        `tracer` records traces; None: none are recorded.
        """


@dataclass(frozen=True, slots=True)
class ListenEndpoint:
    """Sockets to accept from, and their certificates; None for plain TCP."""

    sockets: list[socket.socket]
    tls: TlsListener | None = None
    proxies: Callable[[str], bool] | None = None
    """Who may connect, with a header of the PROXY protocol; None: everybody, without one."""
    activated: bool = False
    """Whether the service manager keeps the sockets open: what waits there is for the next gateway."""
    redirect: bool = False
    """Whether it only redirects to https."""
    grpc: bool = False
    """Whether proxies ask there by gRPC, and nothing else is answered."""
    edge: EdgeHeader | None = None
    """How the edge, which connects there, tells of its clients; None: clients themselves connect."""


class ServerInstance:
    """One service and the acceptors that feed it."""

    def __init__(
        self, service: Service, timeouts: ServerTimeouts, closed: Callable[[], None] | None = None
    ) -> None:
        """`closed` is called at the end of `close`."""
        self._service = service
        self._timeouts = timeouts
        self.shutdown_delay = timeouts.shutdown_delay
        """Seconds between `announce_shutdown` and the end of accepting."""
        self._closed = closed
        self._management = web.AppRunner(service.management, access_log=None, shutdown_timeout=1.0)
        self._endpoints: list[ListenEndpoint] = []
        self._management_endpoint: ListenEndpoint | None = None
        self._acceptors: list[Acceptor] = []
        self._edge_acceptors: list[Acceptor] = []
        """They accept until the drain is over: the edge's clients may have requests under way. Nobody else
        accepts from their sockets."""
        self._management_acceptors: list[Acceptor] = []
        self._drain: GracefulDrain | None = None

    async def open(
        self, sockets: list[ListenEndpoint], management: ListenEndpoint | None, *, accept: bool = True
    ) -> None:
        """Starts the service, then accepts connections. If that fails, everything is closed again.

        `accept`: False if that is to wait for `accept()`.
        """
        self._endpoints, self._management_endpoint = sockets, management
        try:
            await self._service.start()
            if self._service.runner.server is not None:
                self._drain = GracefulDrain(self._service.runner.server)
            await self._management.setup()
            if accept:
                self.accept()
        except BaseException:
            await self.close(asyncio.Event())
            raise

    def accept(self) -> None:
        """Accepts connections. StartError: a socket can't be listened on."""
        for endpoint in self._endpoints:
            runner = self._service.redirect_runner if endpoint.redirect else None
            accepting = self._acceptors if endpoint.edge is None else self._edge_acceptors
            accepting += self._accept(runner or self._service.runner, endpoint)
        if self._management_endpoint is not None:
            self._management_acceptors += self._accept(self._management, self._management_endpoint)

    def stop_accepting(self) -> None:
        """Closes the acceptors, for a successor that accepts from the same sockets; open connections stay."""
        for acceptor in (*self._acceptors, *self._management_acceptors):
            acceptor.close()

    def announce_shutdown(self) -> None:
        """From now on `/readyz` says that the gateway shuts down."""
        draining = self._service.management.get(DRAINING)
        if draining is not None:
            draining.set()

    def begin_shutdown(self) -> None:
        """Stops accepting, except on the management listener."""
        self.announce_shutdown()
        for acceptor in self._acceptors:
            acceptor.close_for_all()

    async def until_released(self) -> None:
        """Returns when a successor has asked for the management address; nothing is accepted there then."""
        released = self._service.management.get(RELEASED)
        if released is not None:
            await released.wait()
            for acceptor in self._management_acceptors:
                acceptor.close()

    async def retire(self, force: asyncio.Event, closing: asyncio.Event) -> None:
        """For a successor: keeps open streams for `timeouts.reload`, until `closing` is set, then closes."""
        self.stop_accepting()
        await self._finish_handshakes()
        if self._drain is not None:
            await self._drain.leave_open(self._timeouts.reload, force, closing)
        await self.close(force)

    async def close(self, force: asyncio.Event) -> None:
        """Drains connections (aborts them when `force` is set) and stops the service.

        Accepts no more connections; the management listener does until the end, after `begin_shutdown`.
        Never raises; failures are logged.
        """
        for acceptor in self._acceptors:
            acceptor.close()
        await self._finish_handshakes()
        if self._drain is not None:
            await self._drain.run(self._timeouts.drain, force)
        for acceptor in self._acceptors:
            acceptor.abort_handshakes()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._service.stop()
        except TimeoutError:
            log.error("shutdown timed out after %g s; remaining work abandoned", STOP_TIMEOUT)
        except Exception:
            log.exception("the gateway did not stop cleanly")
        self.stop_accepting()
        for acceptor in self._edge_acceptors:
            acceptor.close()
        await self._management.cleanup()
        if self._closed is not None:
            self._closed()

    async def _finish_handshakes(self) -> None:
        """Connections still in the TLS handshake get their drain, too."""
        await asyncio.gather(*(acceptor.finish_handshakes(IDLE_DELAY) for acceptor in self._acceptors))

    def _accept(self, runner: web.BaseRunner, endpoint: ListenEndpoint) -> list[Acceptor]:
        server = runner.server
        assert server is not None  # noqa: S101 (for mypy: `setup` has been called)
        # dup(): an acceptor closes its socket, but the listening socket must outlive it. The header timeout
        # also bounds the TLS handshake and the PROXY protocol, which precede the request head.
        header, proxies = self._timeouts.header, endpoint.proxies
        for sock in endpoint.sockets:
            start_listening(sock)
        slow = server.handshake_too_slow if isinstance(server, GatewayServer) else _nothing
        protocol: Callable[[], asyncio.Protocol] = server
        if endpoint.grpc:
            assert self._service.grpc_protocol is not None  # noqa: S101 (for mypy: there is such a listener)
            protocol = self._service.grpc_protocol
        if endpoint.edge is not None and isinstance(server, GatewayServer):
            protocol = partial(server.edge_connection, endpoint.edge)
        movable = protocol is server and isinstance(server, GatewayServer)
        return [
            Acceptor(
                sock.dup(),
                protocol,
                endpoint.tls,
                header,
                proxies,
                slow,
                kept_open=endpoint.activated,
                movable=movable,
            )
            for sock in endpoint.sockets
        ]


def _nothing(_address: str) -> None:
    """Operators' connections to the management listener are not counted."""
