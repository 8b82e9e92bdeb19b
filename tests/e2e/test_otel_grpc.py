"""OpenTelemetry by gRPC, with a receiver that speaks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from tests.e2e.conftest import StartGateway, configuration
from tests.raw import RawUpstream, until

SERVICES: dict[str, tuple[Any, Any]] = {
    "logs.v1.LogsService": (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse),
    "metrics.v1.MetricsService": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
    "trace.v1.TraceService": (traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse),
}


@dataclass
class Received:
    port: int = 0
    messages: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in SERVICES})
    lock: threading.Lock = field(default_factory=threading.Lock)

    def spans(self) -> set[str]:
        """The names of all spans."""
        return {
            span.name
            for message in self.messages["trace.v1.TraceService"]
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    def metrics(self) -> set[str]:
        """The names of all metrics."""
        return {
            metric.name
            for message in self.messages["metrics.v1.MetricsService"]
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def receiver() -> Iterator[Received]:
    """A server of the three services."""
    received = Received()

    def taking(name: str) -> grpc.RpcMethodHandler:
        request, response = SERVICES[name]

        def export(message: Any, _: grpc.ServicerContext) -> Any:
            with received.lock:
                received.messages[name].append(message)
            return response()

        return grpc.unary_unary_rpc_method_handler(
            export, request_deserializer=request.FromString, response_serializer=response.SerializeToString
        )

    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                f"opentelemetry.proto.collector.{name}", {"Export": taking(name)}
            )
            for name in SERVICES
        ]
    )
    received.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield received
    server.stop(0).wait()


@pytest.mark.parametrize("workers", [1, 2])
async def test_otlp_by_grpc_brings_traces_metrics_and_logs(
    gateway: StartGateway, upstream: RawUpstream, receiver: Received, workers: int
) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BLRP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
    }
    running = gateway(configuration(upstream.url, logging={"level": "info"}), workers=workers, **environment)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.http}/open") as response,
    ):
        assert response.status == 200
    await until(lambda: "GET /open" in receiver.spans())
    await until(lambda: any("requests" in name for name in receiver.metrics()))
    await until(lambda: bool(receiver.messages["logs.v1.LogsService"]))
    running.stop()
