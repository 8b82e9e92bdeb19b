"""Checks of the environment variables that configure OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.otel import read_otel

LIBRARIES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


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
