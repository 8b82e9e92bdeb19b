"""A worker: the server instance of the current configuration and those still draining."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.acme.folder import AcmeFolder
from gateway.clock import Clock, system_clock
from gateway.config.model import Settings
from gateway.http.forwarded import trust
from gateway.process.access_log import AccessLog
from gateway.process.acme_renewal import AcmeRenewal, acme_gauges, acme_orders
from gateway.process.certificates import CHECK_INTERVAL, Certificates
from gateway.process.edge_process import EdgeProcess
from gateway.process.embedded_store_process import StoreProcess
from gateway.process.gc_tuning import IdleCollector, freeze_gc
from gateway.process.library_pages import LibraryPages
from gateway.process.line_writer import line_writer
from gateway.process.listeners import ListenSocket, WorkerShare
from gateway.process.log_level import CHECK_INTERVAL as LEVEL_INTERVAL
from gateway.process.log_level import LogLevelWatch
from gateway.process.logs import STANDARD_ERROR
from gateway.process.open_listeners import OpenListeners
from gateway.process.otel import start_otel, stop_otel
from gateway.process.process_status import ProcessStatus
from gateway.process.reload import ReloadHistory
from gateway.process.server_instance import Build, ListenEndpoint, ServerInstance
from gateway.process.sockets import ListenSockets
from gateway.process.takeover import Takeover
from gateway.process.upgrade_history import UpgradeHistory
from gateway.runtime.beat import until_beat
from gateway.runtime.give_way import beside_loop
from gateway.telemetry import Telemetry
from gateway.telemetry.access_entry import DetailedEntry, Entry

if TYPE_CHECKING:
    from gateway.otel.pipeline import OtelPipeline

log = logging.getLogger("gatepost")

ALL_SOCKETS = WorkerShare()


@dataclass(frozen=True, slots=True)
class RuntimeContext:
    """What stays the same across reloads."""

    build: Build
    listeners: OpenListeners
    certificates: Certificates
    store: StoreProcess
    telemetry: Telemetry
    reloads: ReloadHistory
    upgrades: UpgradeHistory
    status: ProcessStatus
    edge: EdgeProcess
    takeover: Takeover | None = None
    """None: this program was not started to take another one's place."""
    clock: Clock = system_clock

    def take_over(self) -> bool:
        """Whether this program is in charge, now that it serves: at once, or when the one before says so.

        Call it until it is. StartError: the one before has died.
        """
        if self.takeover is None or self.takeover.complete:
            return True
        self.takeover.ready(takes_store=self.store.inherited)
        reports = self.takeover.poll()
        if reports is None:
            return False
        self.listeners.take_over()
        self.store.take_over()
        self.reloads.inherit(reports.get("reload"))
        self.upgrades.inherit(reports.get("upgrade"))
        return True

    def begin_shutdown(self, *, handed_over: bool) -> None:
        """What programs before this one still do must end, unless another program has taken over."""
        if self.takeover is None:
            return
        if handed_over:
            self.takeover.close()
        else:
            self.takeover.shut_down()

    def release_in_worker(self) -> None:
        """For a forked worker: what belongs to the supervising process is closed here."""
        self.store.release_in_worker()
        self.listeners.release_in_worker()
        if self.takeover is not None:
            self.takeover.close()


class Worker:
    """Serves from `open` until `close`. `replace` switches to another configuration."""

    def __init__(self, context: RuntimeContext, share: WorkerShare = ALL_SOCKETS) -> None:
        self._context = context
        context.telemetry.lost_log_lines = lambda: line_writer(STANDARD_ERROR).dropped_lines
        self._share = share
        self._sockets = context.listeners.current
        self._current: ServerInstance | None = None
        self._draining: set[asyncio.Task[None]] = set()
        self.leftovers = IdleCollector()
        """Of configurations that are no longer served, or could not be."""
        self._force = asyncio.Event()
        self._closing = asyncio.Event()
        """Set at a shutdown: nothing that is left of earlier configurations has more time than the drain."""
        self._acme: tuple[asyncio.Task[None], ...] = ()
        self._watches: list[asyncio.Task[None]] = []
        self._otel: OtelPipeline | None = None
        self._level = "info"
        """The configured log level."""

    async def open(
        self,
        settings: Settings,
        sockets: ListenSockets,
        store_url: str,
        edge: ListenSocket | None = None,
        *,
        accept: bool = True,
    ) -> None:
        """Starts serving. GatepostError if it can't.

        `edge`: where requests come from the edge. `accept`: False if connections are to wait for `accept()`.
        """
        pages = LibraryPages()
        self._otel = start_otel(
            os.environ, self._context.telemetry, self._context.status, self._context.clock
        )
        self._sockets = sockets
        self._current = await self._server_instance(settings, sockets, store_url, edge, accept=accept)
        self._renew_by_acme(settings)
        self._level = settings.logging.level
        log_level = LogLevelWatch(Path(settings.server.state_dir))
        watches = self._watch_certificates(), self._watch_log_level(log_level), pages.release_later()
        self._watches = [asyncio.create_task(watch) for watch in watches]
        freeze_gc()

    def accept(self) -> None:
        """Accepts connections, where `open` did not."""
        if self._current is not None:
            self._current.accept()

    async def replace(
        self,
        settings: Settings,
        sockets: ListenSockets,
        store_url: str,
        edge: ListenSocket | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Serves new connections with the new settings; open connections are drained with the old ones.

        `ready` is called when both serve. GatepostError if the new settings can't be served: the old
        ones then stay active.
        """
        try:
            successor = await self._successor(settings, sockets, store_url, edge, ready)
        except BaseException:
            self._context.listeners.discard(sockets)
            raise
        self._context.listeners.adopt(sockets)
        self._sockets = sockets
        previous, self._current = self._current, successor
        self._renew_by_acme(settings)
        self._level = settings.logging.level
        if previous is not None:
            # At once, so that connections made after `replace` has returned reach the successor.
            self._retire(previous)

    async def _successor(
        self,
        settings: Settings,
        sockets: ListenSockets,
        store_url: str,
        edge: ListenSocket | None,
        ready: Callable[[], Awaitable[None]] | None,
    ) -> ServerInstance:
        successor = await self._server_instance(settings, sockets, store_url, edge)
        try:
            if ready is not None:
                await ready()
        except BaseException:
            await successor.close(asyncio.Event())
            raise
        return successor

    def _retire(self, previous: ServerInstance) -> None:
        previous.stop_accepting()
        task = asyncio.create_task(previous.retire(self._force, self._closing))
        self._draining.add(task)
        task.add_done_callback(self._retired)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._draining.discard(task)
        if self._current is not None:
            self.leftovers.begin()

    async def retire(self) -> None:
        """Another process serves from now on: returns when what is open here has ended.

        Streams have `timeouts.reload` for that; `close` ends them before.
        """
        self._stop_watching()
        self._close_public()
        previous, self._current = self._current, None
        if previous is not None:
            self._retire(previous)
        await asyncio.gather(*self._draining)

    async def announce_shutdown(self) -> None:
        """Says that the gateway shuts down, and goes on accepting for `timeouts.shutdown_delay`."""
        if self._current is None:
            return
        self._current.announce_shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._current.shutdown_delay):
                await self._force.wait()

    async def close(self) -> None:
        """Closes the public listening sockets, drains all connections and stops.

        The management listener answers until the end: while draining, `/readyz` is 503.
        """
        self._stop_watching()
        self._close_public()
        self._closing.set()
        if self._current is not None:
            self._current.begin_shutdown()
            releasing = asyncio.create_task(self._release_management(self._current))
            await asyncio.gather(self._current.close(self._force), *self._draining)
            releasing.cancel()
        else:
            await asyncio.gather(*self._draining)
        self._close_management()
        if self._otel is not None:
            await stop_otel(self._otel)

    def _renew_by_acme(self, settings: Settings) -> None:
        """One worker orders certificates; all take them over, as they do with all files."""
        context, orders = self._context, acme_orders(settings)
        folder = AcmeFolder(settings.server.state_dir)
        context.telemetry.process_gauges = lambda: {
            **context.certificates.gauges(),
            **acme_gauges(folder, orders),
            **context.edge.gauges(),
        }
        for task in self._acme:
            task.cancel()
        if self._share.slot == 0:
            renewals = [AcmeRenewal(settings.server.state_dir, order, context.clock) for order in orders]
            self._acme = tuple(asyncio.create_task(renewal.run()) for renewal in renewals)

    def _stop_watching(self) -> None:
        for task in (*self._watches, *self._acme):
            task.cancel()
        self.leftovers.cancel()

    def _close_public(self) -> None:
        # While a listening socket is open, the kernel completes handshakes of connections that are never
        # served.
        for listener in self._sockets.public:
            listener.close()

    async def _release_management(self, instance: ServerInstance) -> None:
        await instance.until_released()
        self._close_management()

    def _close_management(self) -> None:
        if self._sockets.management is not None:
            self._sockets.management.close()

    def force_close(self) -> None:
        """Aborts open connections instead of draining them."""
        self._force.set()

    async def _watch_log_level(self, watch: LogLevelWatch) -> None:
        while True:
            watch.check(self._level)
            await asyncio.sleep(until_beat(LEVEL_INTERVAL))

    async def _watch_certificates(self) -> None:
        while True:
            await asyncio.sleep(until_beat(CHECK_INTERVAL))
            if self._context.certificates.watching:
                # In a thread: the files may be on a network file system.
                await asyncio.to_thread(self._context.certificates.refresh)

    def _noted(self, access_log: AccessLog | None) -> Callable[[Entry | DetailedEntry], None] | None:
        """What takes lines of the access log."""
        if access_log is None or self._otel is None:
            return access_log.write if access_log else None
        return self._otel.with_access_log(access_log.write)

    async def _server_instance(
        self,
        settings: Settings,
        open_sockets: ListenSockets,
        store_url: str,
        edge: ListenSocket | None,
        *,
        accept: bool = True,
    ) -> ServerInstance:
        context = self._context
        server = settings.server
        trusted = trust(server.trusted_proxies)
        with_tls = open_sockets.with_tls(settings, context.certificates, context.clock)
        sockets = [
            ListenEndpoint(
                listener.share(self._share),
                tls,
                trusted if listen.proxy_protocol else None,
                listener.activated,
                listen.redirect is not None,
                listen.ext_authz is not None,
            )
            for (listener, tls), listen in zip(with_tls, server.listen, strict=True)
            if not listen.at_edge
        ]
        if edge is not None:
            sockets.append(ListenEndpoint(edge.share(self._share), edge=context.edge.header))
        management = open_sockets.management
        access_log = None
        if settings.logging.access:
            access_log = AccessLog(line_writer(STANDARD_ERROR), settings.logging.format, context.clock)
        build = partial(
            context.build,
            settings,
            store_url=store_url,
            telemetry=context.telemetry,
            record_request=self._noted(access_log),
            status=context.status,
            tracer=self._otel.tracer if self._otel else None,
        )
        # While another instance serves, beside its requests: thousands of routes take a while.
        service = build() if self._current is None else await beside_loop(build)
        instance = ServerInstance(service, server.timeouts, access_log.flush if access_log else None)
        endpoint = ListenEndpoint(management.sockets) if management else None
        await instance.open(sockets, endpoint, accept=accept)
        return instance
