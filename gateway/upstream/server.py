"""One server of an upstream: its connections, and how it does."""

from __future__ import annotations

import asyncio
import logging

from gateway.upstream.address import parse_address
from gateway.upstream.condition import Condition
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.pool import Pool
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.settings import ServerSettings, UpstreamSettings
from gateway.upstream.tls import client_context

log = logging.getLogger("gatepost")


class Server:
    """A place that requests can be sent to."""

    def __init__(
        self, settings: ServerSettings, upstream: UpstreamSettings, *, lookup: Lookup = look_up
    ) -> None:
        """Must be made while the loop runs.

        Raises:
            ValueError: the URL is not one of a server.
            OSError: a TLS file can't be used.
        """
        self.address = parse_address(settings.url)
        self.name = str(self.address)
        self.active = 0
        self.condition = Condition(
            settings.weight, upstream.breaker, health=upstream.health, slow_start=upstream.slow_start
        )
        self.connector = Connector(
            self.address,
            timeout=upstream.timeouts.connect,
            context=client_context(settings.tls) if self.address.secure else None,
            server_name=settings.tls.server_name,
            lookup=lookup,
        )
        self._loop = asyncio.get_running_loop()
        self._pool_settings = upstream.pool
        self._tasks: set[asyncio.Task[None]] = set()
        self.pool = Pool(self._loop, upstream.pool, self._start_opening)

    @property
    def share(self) -> float:
        """Its weight, as it counts now."""
        return self.condition.share

    def close(self, *, at_once: bool = False) -> None:
        """Closes the connections: free ones, or all."""
        self.pool.close(at_once=at_once)
        for task in self._tasks:
            task.cancel()

    # How requests went.

    def entered(self) -> bool:
        """A request is on its way. Returns whether its outcome decides if others follow."""
        self.active += 1
        breaker = self.condition.breaker
        return not breaker.calm and breaker.enter()

    def left(self, *, undecided: bool) -> None:
        """A request is over; `undecided`: its outcome would have decided, but it had none."""
        self.active -= 1
        if undecided:
            self.condition.breaker.leave()

    def answered(self) -> None:
        """A request got an answer. Where the breaker is calm that is no news, and need not be told."""
        if self.condition.answered(self._loop.time()):
            log.info("server %s answers again", self.name)

    def failed(self, error: UpstreamError) -> None:
        """A request got none."""
        if self.condition.failed(self._loop.time()):
            log.warning("server %s gets a rest: %s", self.name, error)

    def unreachable(self, error: UpstreamError) -> None:
        """No connection could be made for a request."""
        if isinstance(error, UpstreamUnavailable):
            return  # it waited in our own line
        self.failed(error)
        if self.condition.unreachable():
            log.warning("server %s is unhealthy: %s", self.name, error)

    def questioned(self, problem: str | None) -> None:
        """A health question was answered, well or with a problem."""
        if self.condition.questioned(well=problem is None, now=self._loop.time()):
            if problem is None:
                log.info("server %s is healthy again", self.name)
            else:
                log.warning("server %s is unhealthy: %s", self.name, problem)

    # How connections are made.

    def _start_opening(self) -> None:
        task = self._loop.create_task(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        try:
            connection = await self.connector.connect(self._make)
        except UpstreamError as error:
            self.pool.not_opened(error)
        except BaseException:
            # Those who wait must hear of it even then.
            self.pool.not_opened(UpstreamBroken(f"{self.name}: opening a connection failed"))
            raise
        else:
            self.pool.opened(connection)

    def _make(self) -> UpstreamConnection:
        return UpstreamConnection(self._loop, self.pool, self._pool_settings)
