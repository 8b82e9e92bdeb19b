"""One server of an upstream: its connections and its health."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from gateway.upstream.adaptive_concurrency import ConcurrencyLimiter
from gateway.upstream.address import parse_server_address
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.pool import Pool
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.server_health import ServerHealth
from gateway.upstream.settings import UpstreamServerSettings, UpstreamSettings
from gateway.upstream.tls import client_context

log = logging.getLogger("gatepost")


class UpstreamServer:
    """A server that requests can be sent to."""

    def __init__(
        self, settings: UpstreamServerSettings, upstream: UpstreamSettings, *, lookup: Lookup = look_up
    ) -> None:
        """Must be made while the loop runs.

        Raises:
            ValueError: the URL is not one of a server.
            OSError: a TLS file can't be used.
        """
        self.address = parse_server_address(settings.url)
        self.name = str(self.address)
        self.settings = settings
        self.priority = settings.priority
        self.active = 0
        self.is_http_1_0 = False
        """Whether it last answered a request with a streamed body in HTTP/1.0."""
        self.health = ServerHealth(
            settings.weight, upstream.breaker, health=upstream.health, slow_start=upstream.slow_start
        )
        self._connection_settings = (settings.tls, upstream.timeouts.connect, lookup)
        self.connector = self.connector_to(None)
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        """Seconds, by the loop's clock."""
        adaptive = upstream.adaptive_concurrency
        self.concurrency = None if adaptive is None else ConcurrencyLimiter(adaptive, self.now())
        """Bounds the requests that wait for its responses, and is told of them; None: nothing does."""
        self._pool_settings = upstream.pool
        self._tasks: set[asyncio.Task[None]] = set()
        self.pool = Pool(self._loop, upstream.pool, self._start_opening)

    @property
    def share(self) -> float:
        """Its weight now: less than configured during slow start."""
        return self.health.share

    def connector_to(self, port: int | None) -> Connector:
        """Opens connections to this server, on its own port (None) or another one."""
        tls, timeout, lookup = self._connection_settings
        return Connector(
            self.address if port is None else replace(self.address, port=port),
            timeout=timeout,
            context=client_context(tls) if self.address.secure else None,
            server_name=tls.server_name,
            lookup=lookup,
        )

    def close(self, *, at_once: bool = False) -> None:
        """Closes the connections: idle ones, or all."""
        self.pool.close(at_once=at_once)
        for task in self._tasks:
            task.cancel()

    # How requests went.

    def entered(self, call: object, *, whole: bool = True) -> bool:
        """A request is on its way; not `whole`: its body follows. Returns whether it is the breaker's probe,
        whose outcome decides.
        """
        self.active += 1
        if self.concurrency is not None:
            self.concurrency.began(call, self.now(), whole=whole)
        breaker = self.health.breaker
        return not breaker.calm and breaker.enter()

    def left(self, call: object, *, undecided: bool) -> None:
        """A request is over; `undecided`: it was the breaker's probe and had no outcome."""
        self.active -= 1
        if self.concurrency is not None:
            self.concurrency.left(call)
        if undecided:
            self.health.breaker.leave()

    def answered(self) -> None:
        """A request got a response. Need not be called while the breaker is calm."""
        if self.health.answered(self.now()):
            log.info("server %s: circuit breaker closed: it responds again", self.name)

    def failed(self, error: UpstreamError) -> None:
        """A request got none."""
        if self.health.failed(self.now()):
            failures = self.health.breaker.failures
            log.warning(
                "server %s: circuit breaker open for %g s: %d failures in a row, the last: %s",
                self.name,
                self.health.breaker.open_for,
                failures,
                error,
            )

    def on_connect_error(self, error: UpstreamError) -> None:
        """No connection could be made for a request."""
        if isinstance(error, UpstreamUnavailable):
            return  # it waited in our own queue
        self.failed(error)
        if self.health.on_connect_error():
            log.warning("server %s is unhealthy: %s", self.name, error)

    def on_health_check(self, problem: str | None) -> None:
        """A health check passed (None), or what was wrong."""
        if self.health.on_health_check(passed=problem is None, now=self.now()):
            if problem is None:
                log.info("server %s is healthy again", self.name)
            else:
                log.warning("server %s is unhealthy: %s", self.name, problem)

    # What reused connections show (`reuse_policy`).

    def reused_connection_answered(self) -> None:
        """A request on a reused connection got a response. Need not be called while the server is trusted."""
        self.pool.reuse.on_response(self.now())

    def reused_connection_lost(self) -> None:
        """A reused connection was lost before a byte of the response."""
        self.pool.reuse.on_lost(self.now())

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
            # The request that waits must get an error even then.
            self.pool.not_opened(UpstreamBroken(f"{self.name}: opening a connection failed"))
            raise
        else:
            self.pool.opened(connection)

    def _make(self) -> UpstreamConnection:
        return UpstreamConnection(self._loop, self.pool, self._pool_settings)
