"""aiohttp's server and runner, with connections of the gateway's own."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from gateway.http.edge_header import EdgeHeader
from gateway.http.limit_names import HEADER_TIMEOUT
from gateway.server.aiohttp_handler import AiohttpHandler
from gateway.server.client_connection import ClientConnection
from gateway.server.connection import Connection
from gateway.server.edge_connection import EdgeConnection
from gateway.server.settings import LINGERING, ConnectionSettings


class GatewayServer(web.Server):
    """Makes a `Connection` for every client."""

    shutting_down = False
    """Whether every answer from now on is the last of its connection."""

    def __init__(self, made: web.Server, settings: ConnectionSettings) -> None:
        """`made` has the application that answers."""
        super().__init__(made.request_handler, request_factory=self._begin, handler_cancellation=True)
        self._factory = made.request_factory
        self._settings = settings
        self._running = asyncio.get_running_loop()

    def __call__(self) -> Connection:  # type: ignore[override]  # a handler comes later, if at all
        return Connection(self, self._settings, self._running)

    def edge_connection(self, header: EdgeHeader) -> Connection:
        """A connection from the edge, which tells of clients in `header`."""
        return EdgeConnection(self, self._settings, self._running, header)

    def handler(self, connection: ClientConnection) -> AiohttpHandler:
        """Makes aiohttp's part of a connection."""
        limits = self._settings.limits
        return AiohttpHandler(
            self,
            connection,
            limits.target,
            loop=self._running,
            max_line_size=limits.target,
            # An error of aiohttp's names the limit that was passed: they must differ.
            max_field_size=limits.head + (limits.head == limits.target),
            # More than are let through: so that the refusal of too many is the gateway's own.
            max_headers=4 * limits.headers,
            auto_decompress=False,
            access_log=None,
            lingering_time=LINGERING,
        )

    def handshake_too_slow(self, address: str) -> None:
        """The TLS handshake, or the PROXY protocol's header, took longer than a request's head may."""
        self._settings.connection_manager.reached(HEADER_TIMEOUT, address)

    def _begin(self, message: Any, payload: Any, protocol: Any, *rest: Any) -> web.BaseRequest:
        protocol.body = payload
        protocol.connection.request_started()
        return self._factory(message, payload, protocol, *rest)

    # How it ends.

    @property
    def connections(self) -> list[Connection]:  # type: ignore[override]  # those without a handler, too
        return self._settings.connection_manager.open_connections

    def pre_shutdown(self) -> None:
        """Closes what is idle, and the others after their answer."""
        for connection in self.connections:
            connection.close()

    def end_streams(self, *, at_once: bool) -> None:
        """Ends WebSockets and streams of events; `at_once`: also in the middle of an event."""
        for connection in self.connections:
            connection.going_away(at_once=at_once)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (aiohttp's own signature)
        """Waits for what is in flight, up to `timeout` seconds; then ends it."""
        await asyncio.gather(*(connection.shutdown(timeout) for connection in self.connections))
        # Handlers outlive their connection until they have noticed.
        await super().shutdown(timeout)


class GatewayRunner(web.AppRunner):
    """Runs the application on `GatewayServer`."""

    def __init__(self, app: web.Application, settings: ConnectionSettings, *, drain: float) -> None:
        super().__init__(app, shutdown_timeout=drain)
        self._settings = settings

    async def _make_server(self) -> web.Server:
        return GatewayServer(await super()._make_server(), self._settings)
