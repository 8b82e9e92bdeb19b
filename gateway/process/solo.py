"""One worker: it runs in this process, without a supervisor."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from gateway.config.model import Settings
from gateway.process.announce import announce, ready_line
from gateway.process.logs import set_up_logs
from gateway.process.reload import report_failure, report_success, settled
from gateway.process.store_host import LOOK
from gateway.process.worker import Site, Worker

INTERRUPTED = 130
"""What a shell shows for a program that was interrupted."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, where there is one."""
    try:
        import uvloop  # noqa: PLC0415 (not everywhere, and only a worker needs it)
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def serve_alone(site: Site, settings: Settings, load: Callable[[], Settings]) -> int:
    """Serves until SIGTERM or SIGINT, and takes over a changed file at SIGHUP. The exit code."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_Solo(site, settings, load).run())


class _Solo:
    def __init__(self, site: Site, settings: Settings, load: Callable[[], Settings]) -> None:
        self._site = site
        self._settings = settings
        self._load = load
        self._worker = Worker(site)
        self._wake = asyncio.Event()
        self._stops = 0
        self._interrupts = 0
        self._reload = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._on_stop)
        loop.add_signal_handler(signal.SIGINT, self._on_interrupt)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        await self._worker.open(self._settings, self._site.store.url(self._settings))
        announce(ready_line(self._site.doors, 1, self._settings))
        keeping = asyncio.create_task(self._keep_store())
        while not self._stops:
            await self._wake.wait()
            self._wake.clear()
            if self._reload and not self._stops:
                self._reload = False
                await self._replace()
        await self._worker.close()
        keeping.cancel()
        # The loop's end puts the signals' default in force. Who asks again must not break off the end.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
        return INTERRUPTED if self._interrupts > 1 else 0

    async def _keep_store(self) -> None:
        while True:
            self._site.store.ensure()
            await asyncio.sleep(LOOK)

    def _on_stop(self) -> None:
        self._stops += 1
        self._wake.set()

    def _on_interrupt(self) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            self._worker.hurry()
        self._on_stop()

    def _on_reload(self) -> None:
        self._reload = True
        self._wake.set()

    async def _replace(self) -> None:
        try:
            new, kept = settled(self._settings, await asyncio.to_thread(self._load))
            await self._worker.replace(new, self._site.store.url(new))
        except Exception as error:
            report_failure(error)
            return
        self._settings = new
        set_up_logs(new.logging.level, new.logging.format)
        report_success(kept)
