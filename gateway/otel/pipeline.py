"""What a worker process sends to a collector, from its start to its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from gateway.config.otel import OtelSettings
from gateway.otel.batch_queue import BatchQueue
from gateway.otel.exporters import ReportingSender, SpanSender, resource
from gateway.otel.span import Span
from gateway.otel.tracer import Sampler, Tracer

FLUSH_TIMEOUT = 3.0
"""Seconds that what waits has at the end of a process."""


class OtelPipeline:
    """Make it in the process that serves; `stop` blocks for at most `FLUSH_TIMEOUT`."""

    def __init__(self, settings: OtelSettings, instance: str) -> None:
        """`instance` tells this gateway from others on the same machine; its workers have the same."""
        # The SDK's own words come once a batch; `ReportingSender` says it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        sender = resource(instance)
        self.tracer: Tracer | None = None
        self._queues: dict[str, BatchQueue[Span]] = {}
        self._closes: list[Callable[[], None]] = []
        if "traces" in settings.signals:
            spans = SpanSender(sender)
            queue: BatchQueue[Span] = BatchQueue(
                "spans", ReportingSender("spans", spans.send).send, settings.spans
            )
            self._queues["traces"] = queue
            self._closes.append(spans.close)
            self.tracer = Tracer(Sampler(settings.sampler), queue.add)
        for queue in self._queues.values():
            queue.start()

    def lost(self) -> dict[str, int]:
        """What was dropped since the start, by signal."""
        return {signal: queue.lost for signal, queue in self._queues.items()}

    def stop(self) -> None:
        """Sends what waits, and gives up on what can't be sent in time."""
        deadline = time.monotonic() + FLUSH_TIMEOUT
        for queue in self._queues.values():
            queue.begin_stop()
        for queue in self._queues.values():
            queue.stop(deadline)
        for close in self._closes:
            close()
