"""Logs that requests were answered with 503 because of the store: a line in ten seconds for each reason."""

from __future__ import annotations

import logging

from gateway.errors import StoreUnavailable
from gateway.runtime.repeated_lines import RepeatedLines

log = logging.getLogger("gatepost")

INTERVAL = 10.0
"""Seconds in which one reason makes one line at most: thousands of requests a second may meet it."""
_lines = RepeatedLines(INTERVAL)


def log_unavailable(error: StoreUnavailable) -> None:
    """A request was answered with 503."""
    left_out = _lines.due(error.reason)
    if left_out is not None:
        more = f" ({left_out} more requests since the last such line)" if left_out else ""
        log.warning("store unavailable: %s%s", error.reason, more)
