"""One server of an upstream: its connections, and what is known of how it does."""

from __future__ import annotations

import asyncio

from gateway.upstream.address import parse_address
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamError
from gateway.upstream.pool import Pool
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.settings import PoolSettings, ServerSettings
from gateway.upstream.tls import client_context


class Server:
    """A place that requests can be sent to."""

    def __init__(
        self,
        settings: ServerSettings,
        pool: PoolSettings,
        *,
        connect_timeout: float,
        lookup: Lookup = look_up,
    ) -> None:
        """Must be made while the loop runs.

        Raises:
            ValueError: the URL is not one of a server.
            OSError: a TLS file can't be used.
        """
        self.address = parse_address(settings.url)
        self.weight = settings.weight
        self.active = 0
        """Requests that are on their way."""
        self._loop = asyncio.get_running_loop()
        self._keep_alive = pool.keep_alive
        self._connector = Connector(
            self.address,
            timeout=connect_timeout,
            context=client_context(settings.tls) if self.address.secure else None,
            server_name=settings.tls.server_name,
            lookup=lookup,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self.pool = Pool(self._loop, pool, self._start_opening)

    def close(self, *, at_once: bool = False) -> None:
        """Closes the connections: free ones, or all."""
        self.pool.close(at_once=at_once)
        for task in self._tasks:
            task.cancel()

    def _start_opening(self) -> None:
        task = self._loop.create_task(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        try:
            connection = await self._connector.connect(self._make)
        except UpstreamError as error:
            self.pool.not_opened(error)
        else:
            self.pool.opened(connection)

    def _make(self) -> UpstreamConnection:
        return UpstreamConnection(self._loop, self.pool, self._keep_alive)
