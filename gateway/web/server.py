"""aiohttp's server and runner, with connections of the gateway's own."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from gateway.proxy.arrival import MAX_HEADER_BYTES, MAX_HEADERS
from gateway.proxy.target import MAX_TARGET
from gateway.web.connection import Connection
from gateway.web.handler import Handler
from gateway.web.house import Terms
from gateway.web.owner import Owner

LINGERING = 5.0
"""Seconds in which the rest of a body is still taken, and thrown away, behind an early answer."""


class GatewayServer(web.Server):
    """Makes a `Connection` for every client."""

    leaving = False
    """Whether every answer from now on is the last of its connection."""

    def __init__(self, made: web.Server, terms: Terms) -> None:
        """`made` has the application that answers."""
        super().__init__(made.request_handler, request_factory=self._begin, handler_cancellation=True)
        self._factory = made.request_factory
        self._terms = terms
        self._running = asyncio.get_running_loop()

    def __call__(self) -> Connection:  # type: ignore[override]  # a handler comes later, if at all
        return Connection(self, self._terms, self._running)

    def handler(self, connection: Owner) -> Handler:
        """Makes aiohttp's part of a connection."""
        return Handler(
            self,
            connection,
            loop=self._running,
            max_line_size=MAX_TARGET,
            max_field_size=MAX_HEADER_BYTES,
            # More than are let through: so that the refusal of too many is the gateway's own.
            max_headers=4 * MAX_HEADERS,
            auto_decompress=False,
            access_log=None,
            lingering_time=LINGERING,
        )

    def _begin(self, message: Any, payload: Any, protocol: Any, *rest: Any) -> web.BaseRequest:
        protocol.connection.begun()
        return self._factory(message, payload, protocol, *rest)

    # How it ends.

    @property
    def connections(self) -> list[Connection]:  # type: ignore[override]  # those without a handler, too
        return self._terms.overseer.standing

    def pre_shutdown(self) -> None:
        """Closes what is idle, and the others after their answer."""
        for connection in self.connections:
            connection.close()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (aiohttp's own signature)
        """Waits for what is in flight, up to `timeout` seconds; then ends it."""
        await asyncio.gather(*(connection.shutdown(timeout) for connection in self.connections))
        # Handlers outlive their connection until they have noticed.
        await super().shutdown(timeout)


class GatewayRunner(web.AppRunner):
    """Runs the application on `GatewayServer`."""

    def __init__(self, app: web.Application, terms: Terms, *, drain: float) -> None:
        super().__init__(app, shutdown_timeout=drain)
        self._terms = terms

    async def _make_server(self) -> web.Server:
        return GatewayServer(await super()._make_server(), self._terms)
