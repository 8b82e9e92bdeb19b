"""Lines of the log as plain values for a collector."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.otel.batch_queue import THREADS
from gateway.otel.span import Attributes
from gateway.otel.tracer import RequestTrace
from gateway.telemetry.access_entry import DetailedEntry, Entry

ACCESS = "access"
"""The logger of the access log."""
_UNKNOWN = "-"
_OF_DETAILS = {"agent": "user_agent.original", "host": "server.address"}
"""The conventions' names of further fields of the access log. `trace_id` is the record's own."""


class LogEntry(NamedTuple):
    """One line."""

    time: float
    """Seconds since the epoch."""
    level: str
    """As in the log: `info` and so on."""
    logger: str
    body: str
    attributes: Attributes
    trace_id: str = ""
    """Empty: it belongs to no trace that is known."""
    span_id: str = ""
    flags: int = 0


def access_entry(time: float, noted: Entry | DetailedEntry, trace: RequestTrace | None) -> LogEntry:
    """A line of the access log, with the names that OpenTelemetry's conventions have for its fields."""
    entry, details = (noted.entry, noted.details) if isinstance(noted, DetailedEntry) else (noted, ())
    address, method, path, status, size, seconds, route, client, request_id = entry
    shown = path.decode("latin-1")
    attributes: dict[str, Any] = {
        "client.address": address,
        "http.request.method": method,
        "url.path": shown,
        "http.response.status_code": status,
        "http.response.body.size": size,
        "http.route": route,
        "gatepost.client": client,
        "gatepost.request_id": request_id,
    }
    attributes = {name: value for name, value in attributes.items() if value != _UNKNOWN}
    attributes["gatepost.seconds"] = seconds
    for name, value in details:
        if value is not None and name != "trace_id":
            attributes[_OF_DETAILS.get(name, f"gatepost.{name}")] = value
    line = LogEntry(time, "info", ACCESS, f"{method} {shown} {status}", attributes)
    if trace is None:
        return line
    return line._replace(trace_id=trace.trace_id, span_id=trace.span_id, flags=trace.flags)


class OtelLogHandler(logging.Handler):
    """Hands on what the program logs. What is logged while something is sent would never end."""

    def __init__(self, add: Callable[[LogEntry], None]) -> None:
        super().__init__()
        self._add = add

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a record, at once."""
        if (record.threadName or "").startswith(THREADS):
            return
        attributes: dict[str, Any] = {}
        if record.exc_info and record.exc_info[0] is not None:
            attributes["exception.type"] = record.exc_info[0].__qualname__
            attributes["exception.stacktrace"] = logging.Formatter().formatException(record.exc_info)
        level = record.levelname.lower()
        self._add(LogEntry(record.created, level, record.name, record.getMessage(), attributes))
