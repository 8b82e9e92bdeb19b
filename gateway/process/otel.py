"""OpenTelemetry in a worker process, where the environment asks for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.config.otel import read_otel
from gateway.process.logs import add_handler
from gateway.process.process_status import ProcessStatus
from gateway.telemetry import Telemetry

if TYPE_CHECKING:
    from gateway.otel.pipeline import OtelPipeline


def import_otel(environ: Mapping[str, str]) -> None:
    """Imports the SDK, which is slow, where it is needed: before the fork, so that workers share it."""
    if read_otel(environ)[0] is not None:
        import gateway.otel.pipeline  # noqa: F401, PLC0415 (an extra)


def start_otel(
    environ: Mapping[str, str], telemetry: Telemetry, status: ProcessStatus, clock: Clock
) -> OtelPipeline | None:
    """Begins to send what the environment asks for; None: nothing is sent.

    Call it after the fork, in the event loop.
    """
    settings, _ = read_otel(environ)
    if settings is None:
        return None
    from gateway.otel.pipeline import OtelPipeline  # noqa: PLC0415 (an extra)

    pipeline = OtelPipeline(settings, telemetry, clock, started=status.started, instance=str(status.pid))
    telemetry.otel_lost = pipeline.lost
    if pipeline.log_handler is not None:
        add_handler(pipeline.log_handler)
    return pipeline


async def stop_otel(pipeline: OtelPipeline) -> None:
    """Sends what waits, for a short time."""
    await pipeline.stop()
    if pipeline.log_handler is not None:
        logging.getLogger().removeHandler(pipeline.log_handler)
