"""A worker process under gunicorn's arbiter."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.workers.base import Worker as ArbiterWorker

from gateway.errors import GatepostError
from gateway.process.line_writer import line_writer
from gateway.process.logs import STANDARD_ERROR, set_up_logs
from gateway.process.ready_pipe import AcceptGate, WorkerStatus
from gateway.process.single_worker import new_event_loop
from gateway.process.worker import Worker
from gateway.runtime.beat import until_beat

log = logging.getLogger("gatepost")

HEARTBEAT = 1.0
"""Seconds between two heartbeats. The worker's metrics are published at the same time."""

RESPAWN_DELAY = 1.0
"""Seconds a worker that can't start waits before it exits: gunicorn replaces it immediately."""

REPLACED = signal.SIGUSR1
"""Tells a worker that others have taken over: it drains at once. SIGTERM ends the whole gateway."""

BLOCKED_SIGNALS = frozenset({signal.SIGTERM, signal.SIGQUIT, REPLACED})
"""Signals blocked from the fork until the worker has installed its handlers."""


class MultiWorkerProcess(ArbiterWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """Runs a `Worker` in a forked process."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.task = self.app.task
        """The configuration it serves."""
        self.share = self.app.share
        """The listening sockets it accepts from."""
        self.ready = False
        self.terminating = False

    def init_process(self) -> None:
        """Runs the worker and exits: the arbiter's cleanup code must not run in the forked process."""
        code = 1
        try:
            code = self._run()
        except BaseException:
            log.exception("a worker failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            line_writer(STANDARD_ERROR).finish()
            os._exit(code)

    def _run(self) -> int:
        # A terminal sends these to the whole process group. The arbiter handles them and signals the workers.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        self.app.context.release_in_worker()
        self._close_foreign_sockets()
        logs = self.task.settings.logging
        set_up_logs(logs.level, logs.format)
        self.app.context.certificates.logs_changes = False  # the arbiter does
        self.app.context.telemetry.share(self.app.shared_metrics, str(self.age))
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(self._serve())

    def _close_foreign_sockets(self) -> None:
        """What others accept from is closed when they close it, and not when this process does, too."""
        sockets = self.task.sockets
        own = [sock for listener in sockets.public for sock in listener.share(self.share)]
        own += sockets.management.sockets if sockets.management is not None else []
        for sock in self.app.open_sockets:
            if sock not in own:
                sock.close()

    async def _serve(self) -> int:
        worker = Worker(self.app.context, self.share)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        shutdown = asyncio.Event()

        def shut_down() -> None:
            shutdown.set()
            stop.set()

        def quit_now() -> None:
            worker.force_close()
            stop.set()

        loop.add_signal_handler(signal.SIGTERM, shut_down)
        # `stop` alone: another process serves from now on.
        loop.add_signal_handler(REPLACED, stop.set)
        loop.add_signal_handler(signal.SIGQUIT, quit_now)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED_SIGNALS)
        heartbeat = asyncio.create_task(self._heartbeat(shut_down))
        try:
            task, accept = self.task, self.app.gate is None
            opening = asyncio.create_task(
                worker.open(task.settings, task.sockets, task.store_url, task.edge, accept=accept)
            )
            if not await _done_before(stop, opening):
                return 0
            opening.result()
        except Exception as error:
            if not isinstance(error, GatepostError):
                log.exception("a worker could not start")
            self.app.ready_pipe.post(WorkerStatus(self.age, str(error) or type(error).__name__))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESPAWN_DELAY):
                    await stop.wait()
            return 0
        # Before it counts as ready, so that `/status` of another worker knows it from the start.
        with contextlib.suppress(OSError):
            self.app.context.telemetry.publish()
        self.app.ready_pipe.post(WorkerStatus(self.age))
        if self.app.gate is not None and await self._let_through(self.app.gate, stop):
            worker.accept()
        await stop.wait()
        if not shutdown.is_set():
            retiring, ending = asyncio.create_task(worker.retire()), asyncio.create_task(shutdown.wait())
            await asyncio.wait({retiring, ending}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
        if shutdown.is_set():
            await worker.announce_shutdown()
        await worker.close()
        heartbeat.cancel()
        with contextlib.suppress(OSError):
            self.app.context.telemetry.publish()
        return 0

    async def _let_through(self, gate: AcceptGate, stop: asyncio.Event) -> bool:
        """Waits at the gate. False: the worker was stopped there."""
        loop, passed = asyncio.get_running_loop(), asyncio.Event()
        descriptor = gate.waiting()
        loop.add_reader(descriptor, passed.set)
        through = await _done_before(stop, asyncio.create_task(passed.wait()))
        loop.remove_reader(descriptor)
        os.close(descriptor)
        return through

    async def _heartbeat(self, shut_down: Callable[[], None]) -> None:
        while True:
            self.notify()
            # A full disk makes metrics stale; it must not end the worker.
            with contextlib.suppress(OSError):
                self.app.context.telemetry.publish()
            if os.getppid() != self.ppid:
                # The arbiter has died.
                shut_down()
            await asyncio.sleep(until_beat(HEARTBEAT))


async def _done_before(stop: asyncio.Event, work: asyncio.Task[Any]) -> bool:
    """Whether the work is done, with whatever result; if `stop` is set before, it is cancelled."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if work.done():
        return True
    work.cancel()
    return False
