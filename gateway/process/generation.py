"""A gateway behind its listeners, made from one reading of the configuration.

A reload makes the next one, lets it accept, and only then retires this one: in between both accept from
the same sockets, so no connection meets a closed door.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from gateway.config.model import Settings
from gateway.config.server import ServerTimeouts
from gateway.process.acceptor import Acceptor
from gateway.process.farewell import SETTLE, Farewell
from gateway.telemetry import Telemetry

log = logging.getLogger("gatepost")

STOP_LIMIT = 10.0
"""Seconds that the service may take to stop when nothing is in flight any more."""


class Service(Protocol):
    """What is served: the gateway itself, as the composition root makes it."""

    @property
    def runner(self) -> web.BaseRunner:
        """Serves the public listeners."""

    @property
    def management(self) -> web.Application:
        """Serves the management listener."""

    async def start(self) -> None:
        """Makes it ready to serve. GatepostError says why it can't."""

    async def stop(self) -> None:
        """Finishes what is in flight within the configured time and lets go of everything."""


class Build(Protocol):
    """Makes a service. A class whose constructor takes these is one."""

    def __call__(
        self, settings: Settings, *, store_url: str, telemetry: Telemetry, note: Callable[..., None] | None
    ) -> Service:
        """`note` writes the access log; None where there is none."""


@dataclass(frozen=True, slots=True)
class Door:
    """Sockets to accept from, and the TLS spoken there."""

    sockets: list[socket.socket]
    tls: ssl.SSLContext | None = None


class Generation:
    """One service and the doors it stands behind."""

    def __init__(
        self, service: Service, timeouts: ServerTimeouts, closed: Callable[[], None] | None = None
    ) -> None:
        """`closed` is called last of all."""
        self._service = service
        self._timeouts = timeouts
        self._closed = closed
        self._management = web.AppRunner(service.management, access_log=None, shutdown_timeout=1.0)
        self._accepting: list[Acceptor] = []
        self._farewell: Farewell | None = None

    async def open(self, doors: list[Door], management: Door | None) -> None:
        """Starts the service, then accepts. Where it can't start, nothing is left behind."""
        try:
            await self._service.start()
            if self._service.runner.server is not None:
                self._farewell = Farewell(self._service.runner.server)
            await self._management.setup()
            for door in doors:
                self._accept(self._service.runner, door)
            if management is not None:
                self._accept(self._management, management)
        except BaseException:
            await self.close(asyncio.Event())
            raise

    def accept_no_more(self) -> None:
        """From now on connections are somebody else's."""
        for accepting in self._accepting:
            accepting.close()

    async def close(self, hurry: asyncio.Event) -> None:
        """Accepts no more, finishes what is in flight unless there is hurry, and stops.

        Never raises: there is nobody to tell.
        """
        self.accept_no_more()
        # Whoever has just been let in is told like the others, and not cut off before a word.
        await asyncio.gather(*(accepting.finish(SETTLE) for accepting in self._accepting))
        if self._farewell is not None:
            await self._farewell.say(self._timeouts.drain, hurry)
        for accepting in self._accepting:
            accepting.cut()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await self._service.stop()
        except TimeoutError:
            log.error("the gateway took too long to stop and was left behind")
        except Exception:
            log.exception("the gateway did not stop cleanly")
        await self._management.cleanup()
        if self._closed is not None:
            self._closed()

    def _accept(self, runner: web.BaseRunner, door: Door) -> None:
        assert runner.server is not None  # noqa: S101 (for mypy: it has been set up)
        for each in door.sockets:
            # An acceptor closes its socket when it ends. The listener must outlive it.
            self._accepting.append(
                # A handshake is the head's forerunner: who is slow there is no better.
                Acceptor(each.dup(), runner.server, door.tls, self._timeouts.header)
            )
