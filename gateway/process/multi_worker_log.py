"""Routes the log messages of gunicorn's arbiter to the gateway's log."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("gatepost.workers")


class MultiWorkerLog:
    """gunicorn's logger interface. Its info messages are logged at level DEBUG."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def setup(self, cfg: Any) -> None:
        """Nothing to set up: `set_up_logs` has configured logging."""
        self.cfg = cfg

    def debug(self, message: str, *args: object, **options: Any) -> None:
        """Dropped."""

    def info(self, message: str, *args: object, **options: Any) -> None:
        """For instance: a worker started or stopped."""
        log.debug(message, *args)

    def warning(self, message: str, *args: object, **options: Any) -> None:
        """For instance: a worker was terminated by a signal."""
        log.warning(message, *args)

    def error(self, message: str, *args: object, **options: Any) -> None:
        """For instance: a worker failed."""
        log.error(message, *args, exc_info=options.get("exc_info"))

    def critical(self, message: str, *args: object, **options: Any) -> None:
        """For instance: a worker missed its heartbeat."""
        log.critical(message, *args)

    def exception(self, message: str, *args: object, **options: Any) -> None:
        """An unhandled exception in the arbiter."""
        log.exception(message, *args)  # noqa: LOG004 (gunicorn calls this in an exception handler)

    def close_on_exec(self) -> None:
        """Nothing to close: the log goes to standard error."""

    def reopen_files(self) -> None:
        """Nothing to reopen."""
