"""The gunicorn application: settings of the arbiter and what its workers inherit."""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from pathlib import Path

from gunicorn.app.base import BaseApplication

from gateway.config.model import Settings
from gateway.process.listeners import ListenSocket, WorkerShare
from gateway.process.multi_worker_log import MultiWorkerLog
from gateway.process.multi_worker_process import MultiWorkerProcess
from gateway.process.ready_pipe import AcceptGate, ReadyPipe
from gateway.process.server_instance import STOP_TIMEOUT
from gateway.process.sockets import ListenSockets
from gateway.process.worker import RuntimeContext
from gateway.process.worker_count import worker_count
from gateway.telemetry.shared_metrics import retire

HEARTBEAT_TIMEOUT = 60
"""Seconds without a heartbeat after which a worker is considered hung and replaced."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkerTask:
    """The configuration a worker is started for. Compared by identity: a reload may bring equal settings."""

    settings: Settings
    sockets: ListenSockets
    store_url: str
    edge: ListenSocket | None = None
    """Where its workers get requests from the edge."""


class MultiWorkerApplication(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn's settings, never from a file or the environment, and the state that workers inherit."""

    def __init__(
        self, context: RuntimeContext, task: WorkerTask, ready_pipe: ReadyPipe, shared_metrics: Path
    ) -> None:
        self.context = context
        self.task = task
        self.share = WorkerShare()
        self.open_sockets: list[socket.socket] = []
        """All that a worker inherits, also those of other workers and configurations."""
        self.ready_pipe = ready_pipe
        self.gate = None if context.takeover is None else AcceptGate()
        """At which workers wait; None: they accept as soon as they can serve."""
        self.shared_metrics = shared_metrics
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        self.cfg.set("worker_class", MultiWorkerProcess)
        self.cfg.set("logger_class", MultiWorkerLog)
        self.cfg.set("timeout", HEARTBEAT_TIMEOUT)
        self.cfg.set("control_socket_disable", True)  # noqa: FBT003 (gunicorn's spelling)
        self.cfg.set("child_exit", lambda _, worker: retire(self.shared_metrics, str(worker.age)))
        self.use_task(self.task)

    def use_task(self, task: WorkerTask) -> None:
        """Workers started from now on serve this task."""
        self.task = task
        self.cfg.set("workers", worker_count(task.settings))
        # Workers stop by themselves within this time; gunicorn kills those that don't.
        timeouts = task.settings.server.timeouts
        self.cfg.set("graceful_timeout", math.ceil(timeouts.shutdown_delay + timeouts.drain + STOP_TIMEOUT))
