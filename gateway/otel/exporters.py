"""Sends to a collector what was collected, with OpenTelemetry's SDK. Runs in the threads of the queues."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace.status import Status, StatusCode

from gateway import __version__
from gateway.clock import Clock
from gateway.otel.log_entry import LogEntry
from gateway.otel.metric_points import metrics_data
from gateway.otel.span import Span
from gateway.telemetry.exposition import families
from gateway.telemetry.snapshot import Snapshot

log = logging.getLogger("gatepost")

SCOPE = InstrumentationScope("gatepost", __version__)
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}


def resource(instance: str) -> Resource:
    """What sends. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` add to it and go before.

    `instance`: a number that tells this gateway from others on the same machine.
    """
    own = {
        "service.name": "gatepost",
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}:{instance}",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
    }
    return Resource(own).merge(OTELResourceDetector().detect())


class SpanSender:
    """Sends spans."""

    def __init__(self, sender: Resource, exporter: Any) -> None:
        """`exporter`: one of the SDK's for spans."""
        self._resource = sender
        self._exporter = exporter
        self.close: Callable[[], None] = self._exporter.shutdown

    def send(self, spans: Sequence[Span]) -> bool:
        """Whether the collector has taken them."""
        exported = [_readable_span(span, self._resource) for span in spans]
        return bool(self._exporter.export(exported) is SpanExportResult.SUCCESS)


def _readable_span(span: Span, sender: Resource) -> ReadableSpan:
    state = TraceState.from_header([span.trace_state]) if span.trace_state else None

    def context(span_id: str, *, is_remote: bool = False) -> SpanContext:
        sampled = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote, sampled, state)

    return ReadableSpan(
        span.name,
        context(span.span_id),
        context(span.parent_id, is_remote=span.remote_parent) if span.parent_id else None,
        sender,
        span.attributes,
        kind=_KINDS[span.kind],
        status=Status(StatusCode.UNSET)
        if span.error is None
        else Status(StatusCode.ERROR, span.error or None),
        start_time=nanoseconds(span.start),
        end_time=nanoseconds(span.end),
        instrumentation_scope=SCOPE,
    )


class MetricSender:
    """Sends snapshots of all metrics."""

    def __init__(self, sender: Resource, exporter: Any, started: float, clock: Clock) -> None:
        """`exporter`: one of the SDK's for metrics.

        `started`: since when is counted, in seconds since the epoch.
        """
        self._resource = sender
        self._started = nanoseconds(started)
        self._clock = clock
        self._exporter = exporter
        self.close: Callable[[], None] = self._exporter.shutdown

    def send(self, snapshots: Sequence[Snapshot]) -> bool:
        """Sends the last one. Whether the collector has taken it."""
        now = nanoseconds(self._clock())
        data = metrics_data(families(snapshots[-1]), self._resource, SCOPE, self._started, now)
        return bool(self._exporter.export(data) is MetricExportResult.SUCCESS)


class LogSender:
    """Sends lines of the log."""

    def __init__(self, sender: Resource, exporter: Any) -> None:
        """`exporter`: one of the SDK's for logs."""
        self._resource = sender
        self._exporter = exporter
        self.close: Callable[[], None] = self._exporter.shutdown

    def send(self, entries: Sequence[LogEntry]) -> bool:
        """Whether the collector has taken them."""
        records = [_readable_log_record(entry, self._resource) for entry in entries]
        return bool(self._exporter.export(records) is LogRecordExportResult.SUCCESS)


def _readable_log_record(entry: LogEntry, sender: Resource) -> ReadableLogRecord:
    context = None
    if entry.trace_id:
        flags = TraceFlags(entry.flags)
        span = SpanContext(
            int(entry.trace_id, 16), int(entry.span_id, 16), is_remote=False, trace_flags=flags
        )
        context = set_span_in_context(NonRecordingSpan(span))
    time = nanoseconds(entry.time)
    record = LogRecord(
        timestamp=time,
        observed_timestamp=time,
        context=context,
        severity_text=entry.level,
        severity_number=_SEVERITIES.get(entry.level, SeverityNumber.UNSPECIFIED),
        body=entry.body,
        attributes=entry.attributes,
    )
    return ReadableLogRecord(record, sender, InstrumentationScope(entry.logger, __version__))


def nanoseconds(seconds: float) -> int:
    """Seconds since the epoch, as the SDK counts them."""
    return round(seconds * 1e9)


class ReportingSender:
    """Says in the log when a collector no longer takes what it is sent, and when it does again: once each."""

    def __init__(self, what: str, send: Callable[[Any], bool]) -> None:
        self._what = what
        self._send = send
        self._failing = False

    def send(self, batch: Sequence[Any]) -> bool:
        """Whether the collector has taken it."""
        try:
            taken = self._send(batch)
        except Exception as error:
            log.error("OpenTelemetry: %s can't be sent: %r", self._what, error)
            return False
        if taken is self._failing:
            self._failing = not taken
            if taken:
                log.info("OpenTelemetry: the collector takes %s again", self._what)
            else:
                log.warning("OpenTelemetry: the collector does not take %s, which are dropped", self._what)
        return taken
