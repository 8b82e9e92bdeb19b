"""Entries of the audit log to the local syslog."""

from __future__ import annotations

import logging
import sys
from logging.handlers import SysLogHandler

SOCKET = "/dev/log"


class _Syslog(SysLogHandler):
    """The local syslog. What it can't take is an OSError, so that the entry counts as lost."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Raises the error that `emit` caught."""
        error = sys.exception()
        raise error if isinstance(error, OSError) else OSError(str(error))


def write_to_syslog(line: str) -> None:
    """Sends one entry. Raises OSError: it is lost."""
    record = logging.LogRecord("audit", logging.INFO, "", 0, f"gatepost audit: {line}", None, None)
    # Connected anew for each entry: there are few, and the syslog server may have been restarted.
    handler = _Syslog(SOCKET)
    try:
        handler.emit(record)
    finally:
        handler.close()
