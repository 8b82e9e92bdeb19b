"""Several workers: gunicorn's arbiter keeps them alive, replaces them, and renews them at a reload.

Workers share the sockets. At a reload the new ones start beside the old, and only when all of them serve
are the old ones told to finish: a configuration that can't be served never replaces one that can.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.announce import announce, ready_line
from gateway.process.board import Board
from gateway.process.fleet_app import FleetApplication, Task
from gateway.process.fleet_worker import HELD, FleetWorker
from gateway.process.listeners import Share
from gateway.process.logs import set_up_logs
from gateway.process.reload import report_failure, report_success, settled
from gateway.process.store_host import LOOK
from gateway.process.worker import Site
from gateway.process.workers import worker_count

log = logging.getLogger("gatepost")

START_LIMIT = 60.0
"""Seconds that the workers of a new configuration have to start."""

WHILE_STARTING = 0.05
"""Seconds between two looks at the board while workers start."""


def serve_fleet(site: Site, settings: Settings, load: Callable[[], Settings]) -> int:
    """Serves with several workers until SIGTERM or SIGINT. The exit code."""
    with contextlib.closing(Board()) as board, tempfile.TemporaryDirectory(prefix="gatepost-") as tallies:
        app = FleetApplication(site, Task(settings, site.store.url(settings)), board, Path(tallies))
        fleet = _Fleet(app, load)
        # What exists now is shared with the workers as long as nobody writes to it: the collector would.
        gc.collect()
        gc.freeze()
        try:
            fleet.run()
        except SystemExit as end:
            if fleet.failure is not None:
                raise StartError(fleet.failure) from None
            return int(end.code or 0)
    return 0


class _Fleet(Arbiter):  # type: ignore[misc]  # gunicorn publishes no types
    # Those it obeys. The others would change the number of workers or start a second supervisor.
    SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGTERM)

    def __init__(self, app: FleetApplication, load: Callable[[], Settings]) -> None:
        super().__init__(app)
        self.LISTENERS = [each for listener in app.site.doors.all for each in listener.sockets]
        self.failure: str | None = None
        self._load = load
        self._present: Task = app.task
        self._next: Task | None = None
        self._kept: list[str] = []
        self._deadline = 0.0
        self._announced = False
        self._again = False

    # What gunicorn calls.

    def spawn_worker(self) -> int | None:
        """A signal must not be lost between the fork and the moment the worker listens to signals."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        try:
            pid: int | None = super().spawn_worker()
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)

    def handle_int(self) -> None:
        """Ctrl-C asks for the same as SIGTERM. A second one, while it stops, breaks everything off."""
        self.handle_term()

    def handle_hup(self) -> None:
        """Reads the file again and starts workers for it."""
        if self._next is not None:
            self._again = True
            return
        try:
            settings, self._kept = settled(self._present.settings, self._load())
            self._next = Task(settings, self.app.site.store.url(settings))
        except Exception as error:
            report_failure(error)
            return
        self._deadline = time.monotonic() + START_LIMIT
        self._start(self._next)

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Signals since the last call. Reads the board too: nothing else wakes the arbiter for it."""
        starting = self._next is not None or not self._announced
        signals: list[int] = super().wait_for_signals(WHILE_STARTING if starting else min(timeout, LOOK))
        self.app.site.store.ensure()
        for word in self.app.board.read():
            self._hear(word.age, word.failure)
        return signals

    def manage_workers(self) -> None:
        """Starts who is missing and dismisses whose task is over."""
        self._follow_reload()
        for worker in self._crew(None):
            over = worker.task is not self._present and worker.task is not self._next
            if over and not worker.dismissed:
                worker.dismissed = True
                self.kill_worker(worker.pid, signal.SIGTERM)
        present = self._crew(self._present)
        self._start(self._present)
        if not self._announced and present and all(worker.up for worker in present):
            self._announced = True
            announce(ready_line(self.app.site.doors, len(present), self._present.settings))

    # Reload.

    def _hear(self, age: int, failure: str | None) -> None:
        worker = next((worker for worker in self._crew(None) if worker.age == age), None)
        if worker is None:
            return
        worker.up = failure is None
        if failure is None:
            return
        if worker.task is self._next:
            self._give_up(failure)
        elif self._announced:
            log.error("a worker could not start: %s", failure)
        else:
            self.failure = failure
            # Status 0 keeps gunicorn from adding words of its own.
            raise HaltServer(failure, 0)

    def _follow_reload(self) -> None:
        if self._next is None:
            return
        crew = self._crew(self._next)
        if len(crew) < worker_count(self._next.settings):
            self._give_up("a worker of the new configuration died")
        elif all(worker.up for worker in crew):
            self._take_over(self._next)
        elif time.monotonic() > self._deadline:
            self._give_up(f"workers of the new configuration did not start within {START_LIMIT:g} seconds")

    def _take_over(self, task: Task) -> None:
        self._present, self._next = task, None
        set_up_logs(task.settings.logging.level, task.settings.logging.format)
        report_success(self._kept)
        self._reload_asked_meanwhile()

    def _give_up(self, reason: str) -> None:
        self._next = None
        self.app.take_up(self._present)
        report_failure(StartError(reason))
        self._reload_asked_meanwhile()

    def _reload_asked_meanwhile(self) -> None:
        if self._again:
            self._again = False
            self.handle_hup()

    def _crew(self, task: Task | None) -> list[FleetWorker]:
        """The workers with this task; all of them where none is given."""
        return [worker for worker in self.WORKERS.values() if task is None or worker.task is task]

    def _start(self, task: Task) -> None:
        """Starts the workers that this task lacks, each for the share that nobody takes."""
        number = worker_count(task.settings)
        taken = {worker.share.slot for worker in self._crew(task)}
        for slot in sorted(set(range(number)) - taken):
            self.app.take_up(task)
            self.app.share = Share(slot, number)
            self.spawn_worker()
