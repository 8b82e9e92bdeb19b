"""A connection from the edge: its requests come from many clients, each named in a header."""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import os
from contextlib import suppress
from typing import Final

from gateway.http.edge_header import EdgeHeader, EdgeHeaderError, with_websocket_key
from gateway.server.connection import Connection
from gateway.server.connection_state import State
from gateway.server.settings import ConnectionSettings, ServerHandle

log = logging.getLogger("gatepost")

MAX_EDGE_HEADER: Final = 65_536
"""Bytes of the edge's own header beside the limit of a head: it may have the client's certificate."""
_HTTP_2: Final = (2, 0)
_KEY_BYTES: Final = 16
"""RFC 6455 section 4.1: of the nonce in Sec-WebSocket-Key."""


class EdgeConnection(Connection):
    """Takes the edge's header off each head; from there on a request is what its client's own would be.

    The edge closes idle connections. This end doesn't: a request could be on its way.
    """

    __slots__ = ("_gone", "_header", "_part")

    def __init__(
        self,
        server: ServerHandle,
        settings: ConnectionSettings,
        loop: asyncio.AbstractEventLoop,
        header: EdgeHeader,
    ) -> None:
        super().__init__(server, settings, loop)
        self._header = header
        self._part = b""
        """What has come of a head that is not whole."""
        self._gone: asyncio.Future[None] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def _begin(self, data: bytes) -> None:
        data, self._part = self._part + data, b""
        head, end, body = data.partition(b"\r\n\r\n")
        limits = self._settings.limits
        if not end and len(data) <= limits.head + limits.target + MAX_EDGE_HEADER:
            self._part = data
            return
        try:
            self.peer, head = self._header.take(head + end)
        except EdgeHeaderError as error:
            log.error("a request on the edge's socket is not answered: %s", error)
            self.hang_up()
            return
        if self.peer.version is not None and self.peer.version >= _HTTP_2:
            head = with_websocket_key(head, base64.b64encode(os.urandom(_KEY_BYTES)))
        if self.peer.asking:
            self._begin_with_aiohttp(head + body)
        else:
            super()._begin(head + body)

    def check_timeouts(self, now: float) -> bool:
        """As for all connections, but for idle ones."""
        if self._state is State.IDLE:
            self._idle_until = math.inf
        return super().check_timeouts(now)

    def close(self) -> None:
        """Closes with the next response. While nothing is in flight that is for the edge to do."""
        if self._state is State.IDLE:
            self._last = True
        else:
            super().close()

    async def shutdown(self, timeout: float | None) -> None:  # noqa: ASYNC109 (as aiohttp's own)
        """Waits until the edge has closed, up to `timeout` seconds; then ends it."""
        self._last = True
        if self.connected:
            self._gone = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._gone
        await super().shutdown(0)
