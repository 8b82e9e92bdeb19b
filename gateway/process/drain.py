"""Graceful drain of client connections at shutdown and reload.

A client may reuse a persistent connection at the moment it is closed as idle, and can't know whether its
request was processed. So each connection first gets `Connection: close` with its next response (RFC 9112
section 9.6). Connections that stay idle are closed after a short delay, the others after their response.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from aiohttp import web

from gateway.server.aiohttp_server import GatewayServer

log = logging.getLogger("gatepost")

IDLE_DELAY = 0.5
"""Seconds during which idle connections may still send a request."""

READ_ROUNDS = 3
"""Rounds of the event loop in which it reads from all connections what has come."""

STREAM_INTERVAL = 0.1
"""Seconds between two looks at streams that are open."""

LAST_CALL = 2.0
"""Seconds before the drain is over in which streams end wherever they are."""

POLL_INTERVAL = 0.02
"""Seconds between two checks for remaining connections."""


class GracefulDrain:
    """Drains one server. Create it before the first connection: it wraps the server's request factory."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._make_request = server.request_factory
        self._draining = False
        server.request_factory = self._request

    def _request(self, message: Any, *parts: Any) -> web.BaseRequest:
        if self._draining:
            # As if the client had sent `Connection: close`: the response carries it, then the connection
            # closes.
            message = message._replace(should_close=True)
        return self._make_request(message, *parts)

    async def run(self, drain: float, force: asyncio.Event) -> None:
        """Waits until all connections are closed; aborts them after `drain` seconds or on `force`.

        WebSockets and streams of events would never end: their clients are told to connect anew.
        """
        if not await self._closed_idle(force):
            return
        shutdown = asyncio.create_task(self._shut_down(drain))
        ending = asyncio.create_task(self._end_streams(drain))
        forced = asyncio.create_task(force.wait())
        await asyncio.wait({shutdown, forced}, timeout=drain, return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        ending.cancel()
        if not shutdown.done():
            self._abort_connections()
            shutdown.cancel()

    async def leave_open(self, seconds: float | None, force: asyncio.Event, closing: asyncio.Event) -> None:
        """Closes what is idle; the rest goes on until it ends by itself.

        Returns when it has, after `seconds` (None: no limit), or when one of the two is set.
        """
        if not await self._closed_idle(force):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (  # noqa: ASYNC110 (aiohttp sets no event)
                    self._server.connections and not force.is_set() and not closing.is_set()
                ):
                    await asyncio.sleep(STREAM_INTERVAL)

    async def _closed_idle(self, force: asyncio.Event) -> bool:
        """Closes idle connections now, the others after their response. Whether any are left."""
        self._draining = True
        if isinstance(self._server, GatewayServer):
            self._server.shutting_down = True
        await self._wait_for_idle(IDLE_DELAY, force)
        # On a busy machine the time may be over before a request is read that has long come.
        for _ in range(READ_ROUNDS):
            await asyncio.sleep(0)
        if self._server.connections:
            self._server.pre_shutdown()
        return bool(self._server.connections)

    async def _shut_down(self, drain: float) -> None:
        """Until there is none: the edge may make new connections for requests that were under way to it."""
        while self._server.connections:
            await self._server.shutdown(drain)

    async def _end_streams(self, drain: float) -> None:
        """Ends them now and, as they begin, later on; in the end also in the middle of an event."""
        if not isinstance(self._server, GatewayServer):
            return
        loop = asyncio.get_running_loop()
        last = loop.time() + drain - min(LAST_CALL, drain / 2)
        while True:
            self._server.end_streams(at_once=loop.time() >= last)
            await asyncio.sleep(STREAM_INTERVAL)

    async def _wait_for_idle(self, seconds: float, force: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._server.connections and not force.is_set():  # noqa: ASYNC110 (aiohttp sets no event)
                    await asyncio.sleep(POLL_INTERVAL)

    def _abort_connections(self) -> None:
        log.warning("shutdown timed out: %d connections closed", len(self._server.connections))
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
