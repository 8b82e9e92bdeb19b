"""How connections end when a server does: none in the middle of an answer, and none by surprise.

A caller that keeps its connection may send the next request at the very moment in which the connection is
closed as idle, and would not know whether it was taken up. So each connection is first told, with its next
answer, that this is the last one (RFC 9112 section 9.6). Only who then stays silent is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from aiohttp import web

from gateway.web.server import GatewayServer

log = logging.getLogger("gatepost")

SETTLE = 0.5
"""Seconds in which silent connections may still send a request."""

GLANCE = 0.02
"""Seconds between two looks at which connections are left."""


class Farewell:
    """Stands beside a server from before its first connection."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._make_request = server.request_factory
        self._last = False
        server.request_factory = self._request

    def _request(self, message: Any, *parts: Any) -> web.BaseRequest:
        if self._last:
            # As if the caller had asked for it: whoever answers then says `Connection: close`, and closes.
            message = message._replace(should_close=True)
        return self._make_request(message, *parts)

    async def say(self, drain: float, hurry: asyncio.Event) -> None:
        """Returns when every connection has ended: after `drain` seconds, or at once in a hurry, by force."""
        self._last = True
        if isinstance(self._server, GatewayServer):
            self._server.leaving = True
        await self._silence(SETTLE, hurry)
        if not self._server.connections:
            return
        # Idle connections close now, the others after their answer.
        self._server.pre_shutdown()
        answers = asyncio.create_task(self._server.shutdown(drain))
        impatience = asyncio.create_task(hurry.wait())
        await asyncio.wait({answers, impatience}, timeout=drain, return_when=asyncio.FIRST_COMPLETED)
        impatience.cancel()
        if not answers.done():
            self._break_off()
            answers.cancel()

    async def _silence(self, seconds: float, hurry: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._server.connections and not hurry.is_set():  # noqa: ASYNC110 (aiohttp sets no event)
                    await asyncio.sleep(GLANCE)

    def _break_off(self) -> None:
        log.warning("%d connections were broken off", len(self._server.connections))
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
