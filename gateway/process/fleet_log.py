"""What gunicorn's arbiter has to say, in the gateway's own log."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("gatepost.workers")


class FleetLog:
    """Stands where gunicorn expects its own logger. Its chatter is only of use to a debugger."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def setup(self, cfg: Any) -> None:
        """Nothing to set up: the gateway's log is."""
        self.cfg = cfg

    def debug(self, message: str, *args: object, **options: Any) -> None:
        """Dropped."""

    def info(self, message: str, *args: object, **options: Any) -> None:
        """Every start and stop of a worker."""
        log.debug(message, *args)

    def warning(self, message: str, *args: object, **options: Any) -> None:
        """A worker that was ended by a signal, for one."""
        log.warning(message, *args)

    def error(self, message: str, *args: object, **options: Any) -> None:
        """A worker that failed, for one."""
        log.error(message, *args, exc_info=options.get("exc_info"))

    def critical(self, message: str, *args: object, **options: Any) -> None:
        """A worker that hangs."""
        log.critical(message, *args)

    def exception(self, message: str, *args: object, **options: Any) -> None:
        """What gunicorn did not expect."""
        log.exception(message, *args)  # noqa: LOG004 (gunicorn calls this where it has caught something)

    def close_on_exec(self) -> None:
        """Nothing to close: the log goes to standard error."""

    def reopen_files(self) -> None:
        """Nothing to reopen."""
