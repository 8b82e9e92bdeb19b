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
from gateway.process.logs import set_up_logs
from gateway.process.reload import reloadable
from gateway.process.service_manager import READY, STOPPING, notify, reloading, take_address
from gateway.process.startup_message import announce_ready
from gateway.process.worker import RuntimeContext, Worker

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
        self._worker = Worker(context)
        self._watch = FileWatch(settings)
        self._wake = asyncio.Event()
        self._stop_requests = 0
        self._interrupt_count = 0
        self._reload_requested = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._on_stop)
        loop.add_signal_handler(signal.SIGINT, self._on_interrupt)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        context, settings, sockets = self._context, self._settings, self._context.listeners.current
        edge = context.edge.listen(settings)
        await self._worker.open(settings, sockets, context.store.url(settings), edge)
        context.edge.open(settings, edge, sockets, context.certificates, context.clock)
        announce_ready(sockets, 1, self._settings, self._manager)
        store_watch = asyncio.create_task(self._watch_store())
        while not self._stop_requests:
            await self._wake.wait()
            self._wake.clear()
            if self._reload_requested and not self._stop_requests:
                self._reload_requested = False
                notify(reloading(), self._manager)
                await self._reload_configuration()
                notify(READY, self._manager)
        notify(STOPPING, self._manager)
        self._context.edge.begin_drain(self._settings)
        await self._worker.announce_shutdown()
        self._context.store.hand_over()
        await self._worker.close()
        store_watch.cancel()
        # Closing the loop restores default signal handlers; a further signal must not kill the cleanup.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
        return EXIT_INTERRUPTED if self._interrupt_count > 1 else 0

    async def _watch_store(self) -> None:
        while True:
            self._context.store.ensure()
            self._context.edge.ensure()
            if self._watch.changed():
                log.info("a file of the configuration has changed")
                self._on_reload()
            await asyncio.sleep(CHECK_INTERVAL)

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
            new, restart_keys = reloadable(self._settings, await asyncio.to_thread(self._load))
            await self._replace(new)
        except Exception as error:
            self._context.reloads.failed(error)
            return
        old, self._settings = self._settings, new
        self._watch.loaded(new)
        set_up_logs(new.logging.level, new.logging.format)
        self._context.reloads.succeeded(old, new, restart_keys)
