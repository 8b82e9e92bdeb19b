"""A single worker, run in this process without gunicorn's arbiter."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from functools import partial

from gateway.config.model import Settings
from gateway.process.embedded_store_process import CHECK_INTERVAL
from gateway.process.file_watch import FileWatch
from gateway.process.gc_tuning import beside_requests
from gateway.process.logs import set_up_logs
from gateway.process.reload import reloadable
from gateway.process.service_manager import READY, STOPPING, notify, reloading, take_address
from gateway.process.startup_message import announce_ready
from gateway.process.store_trial import check_store
from gateway.process.upgrade import POLL_INTERVAL, UPGRADE, RestartingReload, Upgrades
from gateway.process.worker import RuntimeContext, Worker
from gateway.runtime.beat import until_beat
from gateway.runtime.give_way import beside_loop

log = logging.getLogger("gatepost")

EXIT_INTERRUPTED = 130
"""Exit code after a second SIGINT: 128 + SIGINT, as shells report it."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A uvloop event loop if uvloop is installed, else asyncio's."""
    try:
        import uvloop  # noqa: PLC0415 (not everywhere, and only a worker needs it)
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def serve_single_worker(context: RuntimeContext, settings: Settings, load: Callable[[], Settings]) -> int:
    """Serves until SIGTERM or SIGINT; SIGHUP reloads the configuration. Returns the exit code."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_SingleWorker(context, settings, load).run())


class _SingleWorker:
    def __init__(self, context: RuntimeContext, settings: Settings, load: Callable[[], Settings]) -> None:
        self._context = context
        self._settings = settings
        self._load = load
        self._manager = take_address()
        self._upgrades = Upgrades(context, self._manager)
        self._worker = Worker(context)
        self._watch = FileWatch(settings)
        self._wake = asyncio.Event()
        self._stop_requests = 0
        self._interrupt_count = 0
        self._reload_requested = False
        self._upgrade_requested = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._on_stop)
        loop.add_signal_handler(signal.SIGINT, self._on_interrupt)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        loop.add_signal_handler(UPGRADE, self._on_upgrade)
        context, settings, sockets = self._context, self._settings, self._context.listeners.current
        edge = context.edge.listen(settings)
        accept = context.takeover is None
        await self._worker.open(settings, sockets, context.store.url(settings), edge, accept=accept)
        context.edge.open(settings, edge, sockets, context.certificates, context.clock)
        while not context.take_over() and not self._stop_requests:  # noqa: ASYNC110 (another process says so)
            await asyncio.sleep(POLL_INTERVAL)
        if not self._stop_requests:
            if not accept:
                self._worker.accept()
            announce_ready(sockets, 1, self._settings, "" if context.takeover else self._manager)
        store_watch = asyncio.create_task(self._watch_store())
        while not self._stop_requests and not self._upgrades.handed_over:
            await self._wake.wait()
            self._wake.clear()
            await self._do_what_is_asked()
        if self._upgrades.handed_over:
            await self._finish_for_successor()
        else:
            self._upgrades.cancel()
            notify(STOPPING, self._manager)
        self._context.edge.begin_drain(self._settings)
        self._context.begin_shutdown(handed_over=self._upgrades.handed_over)
        await self._worker.announce_shutdown()
        self._context.store.hand_over()
        await self._worker.close()
        store_watch.cancel()
        # Closing the loop restores default signal handlers; a further signal must not kill the cleanup.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, UPGRADE})
        return EXIT_INTERRUPTED if self._interrupt_count > 1 else 0

    async def _do_what_is_asked(self) -> None:
        while (self._upgrade_requested or self._upgrades.under_way) and not self._stop_requests:
            if self._upgrade_requested:
                self._upgrade_requested = False
                self._upgrades.begin()
            if self._upgrades.poll():
                return
            await asyncio.sleep(POLL_INTERVAL)
        if self._reload_requested and not self._stop_requests:
            self._reload_requested = False
            notify(reloading(), self._manager)
            with beside_requests():
                await self._reload_configuration()
                self._worker.leftovers.exclude()
            if self._upgrades.under_way:
                self._wake.set()
            else:
                notify(READY, self._manager)

    async def _finish_for_successor(self) -> None:
        """Another program serves. Returns when all has ended here, or must."""
        if self._reload_requested:
            self._upgrades.tell(signal.SIGHUP)
        retiring = asyncio.create_task(self._worker.retire())
        while not (retiring.done() or self._stop_requests or self._upgrades.successor_ended):
            await asyncio.wait({retiring}, timeout=CHECK_INTERVAL)

    async def _watch_store(self) -> None:
        while True:
            self._context.store.ensure()
            self._context.edge.ensure()
            if self._watch.changed():
                log.info("a file of the configuration has changed")
                self._on_reload()
            await asyncio.sleep(until_beat(CHECK_INTERVAL))

    def _on_stop(self) -> None:
        self._stop_requests += 1
        self._wake.set()

    def _on_interrupt(self) -> None:
        self._interrupt_count += 1
        if self._interrupt_count > 1:
            self._worker.force_close()
        self._on_stop()

    def _on_reload(self) -> None:
        self._reload_requested = True
        self._wake.set()

    def _on_upgrade(self) -> None:
        self._upgrade_requested = True
        self._wake.set()

    async def _replace(self, new: Settings) -> None:
        sockets = self._context.listeners.prepare(new)
        edge = self._context.edge.listen(new)
        try:
            ready = partial(asyncio.to_thread, self._context.edge.apply, new, edge, sockets)
            await self._worker.replace(new, sockets, self._context.store.url(new), edge, ready)
        except BaseException:
            if edge is not None:
                edge.close()
            raise

    async def _reload_configuration(self) -> None:
        self._watch.before_load()
        try:
            loaded = await beside_loop(self._load)
            new, restart_keys = reloadable(self._settings, loaded, forks=False)
            restarts = bool(restart_keys) and self._upgrades.can_apply(restart_keys)
            await check_store(loaded if restarts else new, self._context.telemetry.snapshot)
            if restarts:
                self._upgrades.begin(RestartingReload(self._settings, loaded))
                return
            await self._replace(new)
        except Exception as error:
            self._context.reloads.failed(error)
            self._worker.leftovers.begin()
            return
        old, self._settings = self._settings, new
        self._watch.loaded(new)
        set_up_logs(new.logging.level, new.logging.format)
        # In a thread: to describe what has changed for thousands of clients and routes takes a while.
        await beside_loop(self._context.reloads.succeeded, old, new, restart_keys)
