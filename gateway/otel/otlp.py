"""The exporters of OpenTelemetry's SDK, by HTTP or gRPC. Their environment variables configure them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OtlpExporters:
    """Their classes. Those for gRPC are an extra, and are imported in the worker: gRPC dislikes a fork."""

    spans: Any
    metrics: Any
    logs: Any


def otlp_exporters(*, grpc: bool) -> OtlpExporters:
    """The classes of the exporters."""
    # ruff: noqa: PLC0415 (extras)
    if grpc:
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans

        return OtlpExporters(GrpcSpans, GrpcMetrics, GrpcLogs)
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OtlpExporters(OTLPSpanExporter, OTLPMetricExporter, OTLPLogExporter)
