"""A worker process under gunicorn's arbiter."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import Any

from gunicorn.workers.base import Worker as ArbiterWorker

from gateway.errors import GatepostError
from gateway.process.board import Word
from gateway.process.logs import set_up_logs
from gateway.process.solo import new_event_loop
from gateway.process.worker import Worker

log = logging.getLogger("gatepost")

HEARTBEAT = 1.0
"""Seconds between two signs of life, and between two publications of what was counted."""

PAUSE = 1.0
"""Seconds that a worker which can't start waits before it ends: its successor is made at once."""

HELD = frozenset({signal.SIGTERM, signal.SIGQUIT})
"""Signals held back from the fork until the worker can hear them."""


class FleetWorker(ArbiterWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """Runs the same `Worker` as a gateway of one does."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.task = self.app.task
        """Which configuration it serves."""
        self.share = self.app.share
        """Which part of the connections it takes."""
        self.up = False
        self.dismissed = False

    def init_process(self) -> None:
        """Everything a worker does. It never returns: what the supervisor has to clean up is not ours."""
        code = 1
        try:
            code = self._run()
        except BaseException:
            log.exception("a worker failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _run(self) -> int:
        # A terminal sends these to everybody. The supervisor hears them and says what to do.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        logs = self.task.settings.logging
        set_up_logs(logs.level, logs.format)
        self.app.site.telemetry.share(self.app.tallies, str(self.age))
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(self._serve())

    async def _serve(self) -> int:
        worker = Worker(self.app.site, self.share)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)

        def quit_now() -> None:
            worker.hurry()
            stop.set()

        loop.add_signal_handler(signal.SIGQUIT, quit_now)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
        beat = asyncio.create_task(self._beat(stop))
        try:
            await worker.open(self.task.settings, self.task.store_url)
        except Exception as error:
            if not isinstance(error, GatepostError):
                log.exception("a worker could not start")
            self.app.board.post(Word(self.age, str(error) or type(error).__name__))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await stop.wait()
            return 0
        self.app.board.post(Word(self.age))
        await stop.wait()
        await worker.close()
        beat.cancel()
        with contextlib.suppress(OSError):
            self.app.site.telemetry.publish()
        return 0

    async def _beat(self, stop: asyncio.Event) -> None:
        while True:
            self.notify()
            # A full disk costs the other workers' numbers, not this worker's life.
            with contextlib.suppress(OSError):
                self.app.site.telemetry.publish()
            if os.getppid() != self.ppid:
                # Nobody is left to end this worker.
                stop.set()
            await asyncio.sleep(HEARTBEAT)
