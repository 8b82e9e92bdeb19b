"""Several worker processes under gunicorn's arbiter, which restarts them and replaces them at a reload.

All workers use the same listening sockets. At a reload the new workers start beside the old ones, which are
drained only when all new ones are ready: a configuration that can't be served never replaces one that can.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.embedded_store_process import CHECK_INTERVAL
from gateway.process.file_watch import FileWatch
from gateway.process.library_pages import LibraryPages
from gateway.process.listeners import WorkerShare
from gateway.process.logs import set_up_logs
from gateway.process.multi_worker_app import MultiWorkerApplication, WorkerTask
from gateway.process.multi_worker_process import BLOCKED_SIGNALS, REPLACED, MultiWorkerProcess
from gateway.process.ready_pipe import ReadyPipe
from gateway.process.reload import reloadable
from gateway.process.service_manager import READY, STOPPING, notify, reloading, take_address
from gateway.process.startup_message import announce_ready
from gateway.process.store_trial import check_store
from gateway.process.upgrade import UPGRADE, RestartingReload, Upgrades
from gateway.process.worker import RuntimeContext
from gateway.process.worker_count import worker_count
from gateway.telemetry.shared_metrics import SharedMetrics
from gateway.telemetry.snapshot import Snapshot

log = logging.getLogger("gatepost")

START_LIMIT = 60.0
"""Seconds within which all workers of a new configuration must be ready."""

STARTUP_POLL_INTERVAL = 0.05
"""Seconds between two reads of the ready pipe while workers start."""


def serve_multi_worker(context: RuntimeContext, settings: Settings, load: Callable[[], Settings]) -> int:
    """Serves with several workers until SIGTERM or SIGINT. Returns the exit code.

    StartError if a worker fails before the gateway was ready.
    """
    with (
        contextlib.closing(ReadyPipe()) as ready_pipe,
        tempfile.TemporaryDirectory(prefix="gatepost-") as shared_metrics,
    ):
        edge = context.edge.listen(settings)
        task = WorkerTask(settings, context.listeners.current, context.store.url(settings), edge)
        app = MultiWorkerApplication(context, task, ready_pipe, Path(shared_metrics))
        context.reloads.share(Path(shared_metrics))
        context.upgrades.report.share(Path(shared_metrics))
        arbiter = _WorkerArbiter(app, load)
        # What each worker would import by itself.
        with contextlib.suppress(ImportError):
            import_module("uvloop")
        # Keeps memory shared with the workers (copy-on-write): the collector would write to every object.
        gc.collect()
        gc.freeze()
        LibraryPages().release()
        try:
            arbiter.run()
        except SystemExit as end:
            if arbiter.failure is not None:
                raise StartError(arbiter.failure) from None
            return int(end.code or 0)
    return 0


class _WorkerArbiter(Arbiter):  # type: ignore[misc]  # gunicorn publishes no types
    # The signals handled here. gunicorn's others would change the number of workers or start a second
    # arbiter.
    SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGTERM, UPGRADE)

    def __init__(self, app: MultiWorkerApplication, load: Callable[[], Settings]) -> None:
        self._manager = take_address()
        super().__init__(app)
        self._upgrades = Upgrades(app.context, self._manager)
        self.cfg.set("post_fork", lambda _arbiter, _worker: self._upgrades.release_in_worker())
        self._listeners = app.context.listeners
        self.LISTENERS = _sockets_of(app.task)
        # gunicorn would remove the files of Unix sockets by their path, whoever they belong to by now. Each
        # socket removes its own.
        self.systemd = True
        self.failure: str | None = None
        self._load = load
        self._reloads = app.context.reloads
        self._watch = FileWatch(app.task.settings)
        self._current: WorkerTask = app.task
        self._next: WorkerTask | None = None
        self._restart_keys: list[str] = []
        self._deadline = 0.0
        self._edge_open = False
        self._ready_announced = False
        self._reload_pending = False
        self._upgrade_pending = False

    # Called by gunicorn.

    def spawn_worker(self) -> int | None:
        """Blocks signals during the fork: none may be lost before the worker has installed its handlers."""
        signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED_SIGNALS)
        try:
            pid: int | None = super().spawn_worker()
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED_SIGNALS)

    def handle_int(self) -> None:
        """SIGINT (Ctrl-C) drains like SIGTERM; gunicorn turns a second one into an immediate stop."""
        self.handle_term()

    def handle_hup(self) -> None:
        """SIGHUP: loads the configuration again and starts workers for it."""
        if self._upgrades.handed_over:
            self._upgrades.tell(signal.SIGHUP)
            return
        if self._busy:
            self._reload_pending = True
            return
        notify(reloading(), self._manager)
        self._watch.before_load()
        try:
            loaded = self._load()
            settings, self._restart_keys = reloadable(self._current.settings, loaded, forks=True)
            restarts = bool(self._restart_keys) and self._upgrades.can_apply(self._restart_keys)
            asyncio.run(check_store(loaded if restarts else settings, self._workers_snapshot))
            if restarts:
                self._upgrades.begin(RestartingReload(self._current.settings, loaded))
                return
            # Workers inherit the certificates: they are known here if their files can't be used later.
            self._next = self._prepare(settings)
        except Exception as error:
            self._reloads.failed(error)
            notify(READY, self._manager)
            return
        self._deadline = time.monotonic() + START_LIMIT
        self._spawn_missing(self._next)

    def handle_usr2(self) -> None:
        """SIGUSR2: starts the program that is installed now, to take this one's place."""
        if self._busy and not self._upgrades.under_way:
            self._upgrade_pending = True
        else:
            self._upgrades.begin()

    @property
    def _busy(self) -> bool:
        """Whether a start, a reload or an upgrade is under way: what else is asked for waits."""
        return self._next is not None or not self._ready_announced or self._upgrades.under_way

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Returns pending signals. Also polls the store and the ready pipe: they don't wake the arbiter."""
        timeout = STARTUP_POLL_INTERVAL if self._busy else min(timeout, CHECK_INTERVAL)
        signals: list[int] = super().wait_for_signals(timeout)
        self.app.context.store.ensure()
        self.app.context.edge.ensure()
        self.app.context.certificates.refresh()
        if self._next is None and not self._upgrades.handed_over and self._watch.changed():
            log.info("a file of the configuration has changed")
            self.handle_hup()
        for status in self.app.ready_pipe.read():
            self._on_worker_status(status.age, status.failure)
        if self._upgrades.under_way:
            self._check_upgrade()
        return signals

    def stop(self, graceful: bool = True) -> None:
        """Stops the workers; a successor may take the embedded store while they drain."""
        if not self._upgrades.handed_over:
            notify(STOPPING, self._manager)
        self._upgrades.cancel()
        self.app.context.begin_shutdown(handed_over=self._upgrades.handed_over)
        self.app.context.store.hand_over()
        self.app.context.edge.begin_drain(self._current.settings)
        if self._next is not None:
            self._listeners.discard(self._next.sockets)
        super().stop(graceful)

    def manage_workers(self) -> None:
        """Starts missing workers and drains those of a replaced configuration."""
        if self._upgrades.handed_over:
            self._finish_for_successor()
            return
        self._check_reload()
        for worker in self._workers_of(None):
            obsolete = worker.task is not self._current and worker.task is not self._next
            if obsolete:
                self._replace(worker)
        current = self._workers_of(self._current)
        self._spawn_missing(self._current)
        if not self._ready_announced and current and all(worker.ready for worker in current):
            self._begin_to_serve(len(current))

    def _replace(self, worker: MultiWorkerProcess) -> None:
        """Others have taken over from it."""
        if not worker.terminating:
            worker.terminating = True
            self.kill_worker(worker.pid, REPLACED)

    def _begin_to_serve(self, workers: int) -> None:
        """All workers are ready. Accepts when this program is in charge."""
        context, task = self.app.context, self._current
        try:
            self._open_edge()
            in_charge = context.take_over()
        except StartError as error:
            self.failure = str(error)
            raise HaltServer(self.failure, 0) from None
        if not in_charge:
            return
        self._ready_announced = True
        manager = self._manager
        if self.app.gate is not None:
            self.app.gate.open()
            self.app.gate = None
            manager = ""  # the program before has told it
        announce_ready(task.sockets, workers, task.settings, manager)
        self._run_pending()

    def _open_edge(self) -> None:
        context, task = self.app.context, self._current
        if self._edge_open:
            return
        self._edge_open = True
        context.edge.open(task.settings, task.edge, task.sockets, context.certificates, context.clock)

    # Upgrade.

    def _check_upgrade(self) -> None:
        if self._upgrades.poll():
            # Nobody accepts here any more, and whoever asked for a reload may have meant a newer file.
            self.LISTENERS = []
            if self._reload_pending:
                self._upgrades.tell(signal.SIGHUP)
        elif not self._upgrades.under_way:
            self._run_pending()

    def _finish_for_successor(self) -> None:
        """Ends when the workers have, or when the program that has taken over ends."""
        for worker in self._workers_of(None):
            self._replace(worker)
        if not self.WORKERS or self._upgrades.successor_ended:
            raise StopIteration

    # Reload.

    def _on_worker_status(self, age: int, failure: str | None) -> None:
        worker = next((worker for worker in self._workers_of(None) if worker.age == age), None)
        if worker is None:
            return
        worker.ready = failure is None
        if failure is None:
            return
        if worker.task is self._next:
            self._abandon_reload(failure)
        elif self._ready_announced:
            log.error("a worker could not start: %s", failure)
        else:
            self.failure = failure
            # Status 0 keeps gunicorn from logging a message of its own.
            raise HaltServer(failure, 0)

    def _check_reload(self) -> None:
        if self._next is None:
            return
        workers = self._workers_of(self._next)
        if len(workers) < worker_count(self._next.settings):
            self._abandon_reload("a worker of the new configuration exited during startup")
        elif all(worker.ready for worker in workers):
            self._activate(self._next)
        elif time.monotonic() > self._deadline:
            self._abandon_reload(
                f"workers of the new configuration did not start within {START_LIMIT:g} seconds"
            )

    def _workers_snapshot(self) -> Snapshot:
        """What the workers have said of themselves within the last second."""
        return SharedMetrics(self.app.shared_metrics, "supervisor").merged_with_others(Snapshot())

    def _prepare(self, settings: Settings) -> WorkerTask:
        context = self.app.context
        sockets = self._listeners.prepare(settings)
        try:
            sockets.with_tls(settings, context.certificates, context.clock)
        except BaseException:
            self._listeners.discard(sockets)
            raise
        return WorkerTask(settings, sockets, context.store.url(settings), context.edge.listen(settings))

    def _activate(self, task: WorkerTask) -> None:
        old, self._current, self._next = self._current, task, None
        try:
            self.app.context.edge.apply(task.settings, task.edge, task.sockets)
        except StartError as error:
            log.error("%s", error)
        self._listeners.adopt(task.sockets)
        self.LISTENERS = _sockets_of(task)
        set_up_logs(task.settings.logging.level, task.settings.logging.format)
        self._watch.loaded(task.settings)
        self._reloads.succeeded(old.settings, task.settings, self._restart_keys)
        self._run_pending_reload()

    def _abandon_reload(self, reason: str) -> None:
        if self._next is not None:
            self._listeners.discard(self._next.sockets)
            if self._next.edge is not None:
                self._next.edge.close()
            self._next = None
        self.app.use_task(self._current)
        self._reloads.failed(StartError(reason))
        self._run_pending_reload()

    def _run_pending_reload(self) -> None:
        notify(READY, self._manager)
        self._run_pending()

    def _run_pending(self) -> None:
        if self._upgrade_pending:
            self._upgrade_pending = False
            self._upgrades.begin()
        if self._reload_pending and not self._busy:
            self._reload_pending = False
            self.handle_hup()

    def _workers_of(self, task: WorkerTask | None) -> list[MultiWorkerProcess]:
        """The workers of this task, or all if None."""
        return [worker for worker in self.WORKERS.values() if task is None or worker.task is task]

    def _spawn_missing(self, task: WorkerTask) -> None:
        """Starts the missing workers of this task, each for a free slot."""
        count = worker_count(task.settings)
        used_slots = {worker.share.slot for worker in self._workers_of(task)}
        for slot in sorted(set(range(count)) - used_slots):
            self.app.use_task(task)
            self.app.share = WorkerShare(slot, count)
            tasks = [each for each in (self._current, self._next) if each is not None]
            self.app.open_sockets = [sock for each in tasks for sock in _sockets_of(each)]
            self.spawn_worker()


def _sockets_of(task: WorkerTask) -> list[socket.socket]:
    return [sock for listener in task.sockets.all for sock in listener.sockets]
