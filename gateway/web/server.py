"""aiohttp's server and runner, with connections of the gateway's own."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from gateway.proxy.arrival import MAX_HEADER_BYTES, MAX_HEADERS
from gateway.proxy.target import MAX_TARGET
from gateway.web.connection import GatewayConnection
from gateway.web.lane import Lane
from gateway.web.lane_connection import LaneConnection


class GatewayServer(web.Server):
    """Makes a `GatewayConnection` for every client."""

    leaving = False
    """Whether every answer from now on is the last of its connection."""

    def __init__(self, made: web.Server, *, lane: Lane | None, **options: Any) -> None:
        super().__init__(
            made.request_handler, request_factory=made.request_factory, handler_cancellation=True
        )
        self._lane = lane
        self._options = {
            "max_line_size": MAX_TARGET,
            "max_field_size": MAX_HEADER_BYTES,
            # More than are let through: so that the refusal of too many is the gateway's own.
            "max_headers": 4 * MAX_HEADERS,
            "auto_decompress": False,
            "access_log": None,
            **options,
        }

    def __call__(self) -> GatewayConnection:
        loop = asyncio.get_running_loop()
        if self._lane is None:
            return GatewayConnection(self, loop=loop, **self._options)
        return LaneConnection(self, lane=self._lane, loop=loop, **self._options)


class GatewayRunner(web.AppRunner):
    """Runs the application on `GatewayServer`."""

    def __init__(self, app: web.Application, *, drain: float, **options: Any) -> None:
        super().__init__(app, shutdown_timeout=drain)
        self._options = options

    async def _make_server(self) -> web.Server:
        return GatewayServer(await super()._make_server(), **self._options)
