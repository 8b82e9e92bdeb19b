"""Checks of the environment variables that configure OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.otel import PROTOCOL, read_otel

LIBRARIES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
GRPC_LIBRARIES = ("grpc", "opentelemetry.exporter.otlp.proto.grpc")


def otel_usable(_: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """What the variables say can be done, and the extra is installed."""
    wanted, problems = read_otel(context.environ)
    for name, text in problems:
        yield CheckFinding((name,), f"{text} (environment variable)")
    if wanted is not None and not all(map(context.installed, LIBRARIES)):
        yield CheckFinding(
            ("OTEL_EXPORTER_OTLP_ENDPOINT",),
            "OpenTelemetry is configured by the environment, and needs the extra otel, which isn't installed:"
            " pip install 'gatepost[otel]'; OTEL_SDK_DISABLED=true does without",
        )
    elif wanted is not None and wanted.by_grpc and not all(map(context.installed, GRPC_LIBRARIES)):
        yield CheckFinding(
            (PROTOCOL,),
            "grpc needs the extra otel-grpc, which isn't installed: pip install 'gatepost[otel,otel-grpc]';"
            " or set it to http/protobuf, and the endpoint to the collector's port for HTTP",
        )
