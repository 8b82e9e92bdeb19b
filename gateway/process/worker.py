"""One process's share of the work: the present generation, its successors, and the end."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.clock import Clock, system_clock
from gateway.config.model import Settings
from gateway.process.access_log import AccessLog
from gateway.process.doors import Doors
from gateway.process.generation import Build, Door, Generation
from gateway.process.listeners import Share
from gateway.process.memory import settle
from gateway.process.store_host import StoreHost
from gateway.telemetry import Telemetry

log = logging.getLogger("gatepost")

STANDARD_ERROR = 2

ALL = Share()


@dataclass(frozen=True, slots=True)
class Site:
    """What stays the same while configurations come and go."""

    build: Build
    doors: Doors
    store: StoreHost
    telemetry: Telemetry
    clock: Clock = system_clock


class Worker:
    """Serves, from `open` until `close`. `replace` puts another configuration in place of the present one."""

    def __init__(self, site: Site, share: Share = ALL) -> None:
        self._site = site
        self._share = share
        self._present: Generation | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    async def open(self, settings: Settings, store_url: str) -> None:
        """Starts to serve. GatepostError says why that can't be."""
        self._present = await self._generation(settings, store_url)
        settle()

    async def replace(self, settings: Settings, store_url: str) -> None:
        """Serves the new settings to whoever comes from now on; what is in flight ends as it began.

        GatepostError says why that can't be: then nothing has changed.
        """
        successor = await self._generation(settings, store_url)
        retired, self._present = self._present, successor
        if retired is not None:
            # At once: who asks after this has returned is answered by the successor.
            retired.accept_no_more()
            task = asyncio.create_task(retired.close(self._hurry))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Accepts no more, finishes what is in flight, and stops."""
        # As long as a socket listens anywhere, the kernel takes connections that nobody will serve.
        for listener in self._site.doors.all:
            listener.close()
        if self._present is not None:
            await asyncio.gather(self._present.close(self._hurry), *self._retiring)

    def hurry(self) -> None:
        """Breaks off what is in flight instead of waiting for it."""
        self._hurry.set()

    async def _generation(self, settings: Settings, store_url: str) -> Generation:
        site = self._site
        doors = [
            Door(listener.share(self._share), tls)
            for listener, tls in site.doors.with_tls(settings, site.clock)
        ]
        management = site.doors.management
        access = None
        if settings.logging.access:
            access = AccessLog(STANDARD_ERROR, settings.logging.format, site.clock)
        service = site.build(
            settings, store_url=store_url, telemetry=site.telemetry, note=access.write if access else None
        )
        generation = Generation(service, settings.server.timeouts, access.flush if access else None)
        await generation.open(doors, Door(management.sockets) if management else None)
        return generation
