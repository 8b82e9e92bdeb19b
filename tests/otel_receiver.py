"""An OTLP/HTTP receiver: parses what exporters send with OpenTelemetry's own messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from tests.raw import LIMIT, until

MESSAGES: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class ReceivedSpan:
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, Any]
    failed: bool
    status: str
    state: str
    resource: dict[str, Any]


@dataclass(frozen=True)
class ReceivedLog:
    body: Any
    severity: str
    attributes: dict[str, Any]
    trace_id: str
    span_id: str
    time: int


@dataclass
class Receiver:
    """What has come, in the order in which it came."""

    port: int = 0
    status: int = 200
    """What it answers."""
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is not set, no request is answered."""
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    """Path, headers and message of each request that was taken."""
    refused: int = 0
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Lets a gateway send everything here, and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    @property
    def spans(self) -> list[ReceivedSpan]:
        return [
            _span(span, attributes(group.resource.attributes))
            for message in self._messages("/v1/traces")
            for group in message.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    @property
    def logs(self) -> list[ReceivedLog]:
        return [
            ReceivedLog(
                value(record.body),
                record.severity_text,
                attributes(record.attributes),
                record.trace_id.hex(),
                record.span_id.hex(),
                record.time_unix_nano,
            )
            for message in self._messages("/v1/logs")
            for group in message.resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Of each export its metrics by name: OpenTelemetry's own messages."""
        return [
            {
                metric.name: metric
                for group in message.resource_metrics
                for scope in group.scope_metrics
                for metric in scope.metrics
            }
            for message in self._messages("/v1/metrics")
        ]

    def _messages(self, path: str) -> list[Any]:
        return [message for came, _, message in self.requests[:] if came == path]

    async def trace(self, trace_id: str, names: int) -> dict[str, ReceivedSpan]:
        """The spans of a trace by name, as soon as there are so many."""
        await until(lambda: len(self._of(trace_id)) >= names)
        found = self._of(trace_id)
        assert len(found) == names, found
        return {span.name: span for span in found}

    async def names(self, trace_id: str, last: str) -> set[str]:
        """The names of a trace's spans, as soon as the one is there that is sent last."""
        await until(lambda: any(span.name == last for span in self._of(trace_id)))
        return {span.name for span in self._of(trace_id)}

    def _of(self, trace_id: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.trace_id == trace_id]


def value(any_value: Any) -> Any:
    kind = any_value.WhichOneof("value")
    return None if kind is None else getattr(any_value, kind)


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: value(pair.value) for pair in pairs}


def _span(span: Any, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        span.name,
        SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        attributes(span.attributes),
        span.status.code == span.status.STATUS_CODE_ERROR,
        span.status.message,
        span.trace_state,
        resource,
    )


@contextmanager
def otel_receiver() -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    receiver.gate.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.gate.wait(LIMIT)
            if receiver.status == 200:
                message = MESSAGES[self.path]()
                message.ParseFromString(body)
                headers = {name.lower(): text for name, text in self.headers.items()}
                receiver.bodies.append(body)
                receiver.requests.append((self.path, headers, message))
            else:
                receiver.refused += 1
            self.send_response(receiver.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(LIMIT)
