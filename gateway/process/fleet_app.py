"""What gunicorn's arbiter and its workers know of the gateway."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from gunicorn.app.base import BaseApplication

from gateway.config.model import Settings
from gateway.process.board import Board
from gateway.process.fleet_log import FleetLog
from gateway.process.fleet_worker import FleetWorker
from gateway.process.generation import STOP_LIMIT
from gateway.process.listeners import Share
from gateway.process.worker import Site
from gateway.process.workers import worker_count
from gateway.telemetry.sharing import retire

HANG_LIMIT = 60
"""Seconds without a sign of life after which a worker is taken for stuck and replaced."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What a worker is started for. Two of them are never the same task, whatever they hold."""

    settings: Settings
    store_url: str


class FleetApplication(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn's settings, none of them from a file or the environment, and what workers take along."""

    def __init__(self, site: Site, task: Task, board: Board, tallies: Path) -> None:
        self.site = site
        self.task = task
        self.share = Share()
        self.board = board
        self.tallies = tallies
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        self.cfg.set("worker_class", FleetWorker)
        self.cfg.set("logger_class", FleetLog)
        self.cfg.set("timeout", HANG_LIMIT)
        self.cfg.set("control_socket_disable", True)  # noqa: FBT003 (gunicorn's spelling)
        self.cfg.set("child_exit", lambda _, worker: retire(self.tallies, str(worker.age)))
        self.take_up(self.task)

    def take_up(self, task: Task) -> None:
        """The next workers are started for this."""
        self.task = task
        self.cfg.set("workers", worker_count(task.settings))
        # Workers end by themselves; who has not by then is killed.
        self.cfg.set("graceful_timeout", math.ceil(task.settings.server.timeouts.drain + STOP_LIMIT))
