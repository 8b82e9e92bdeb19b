"""What a worker process sends to a collector, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.clock import Clock
from gateway.config.otel import BatchSettings, OtelSettings
from gateway.otel.batch_queue import BatchQueue
from gateway.otel.exporters import LogSender, MetricSender, ReportingSender, SpanSender, resource
from gateway.otel.log_entry import LogEntry, OtelLogHandler, access_entry
from gateway.otel.metrics_loop import MetricsLoop
from gateway.otel.otlp import OtlpExporters, otlp_exporters
from gateway.otel.tracer import Sampler, Tracer
from gateway.telemetry import Telemetry
from gateway.telemetry.access_entry import DetailedEntry, Entry

FLUSH_TIMEOUT = 3.0
"""Seconds that what waits has at the end of a process."""

_METRICS = BatchSettings(delay=3600.0, max_queue=2, max_batch=1)
"""Each snapshot is sent at once. While one can't be sent, no more than the next two wait."""


class OtelPipeline:
    """Make it in the process that serves, in its event loop. `stop` takes at most a second more than
    `FLUSH_TIMEOUT`.
    """

    def __init__(
        self, settings: OtelSettings, telemetry: Telemetry, clock: Clock, *, started: float, instance: str
    ) -> None:
        """`started`: when the gateway began, in seconds since the epoch. `instance` tells it from others on
        the same machine; its workers have the same.
        """
        # The SDK's own words come once a batch; `ReportingSender` says it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        # At debug level it would log each export, with the endpoint's query.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        logging.getLogger("grpc").setLevel(logging.CRITICAL)
        sender = resource(instance)
        self._clock = clock
        self._queues: dict[str, BatchQueue[Any]] = {}
        self._closes: list[Callable[[], None]] = []
        self.tracer: Tracer | None = None
        """Records traces; None: they are not sent."""
        self._metrics: MetricsLoop | None = None
        self._add_log: Callable[[LogEntry], None] | None = None
        self.log_handler: logging.Handler | None = None
        """Takes what the program logs; None: it is not sent."""

        def exporters(signal: str) -> OtlpExporters:
            return otlp_exporters(grpc=signal in settings.by_grpc)

        if "traces" in settings.signals:
            spans = SpanSender(sender, exporters("traces").spans())
            add = self._queue("traces", "spans", spans, settings.spans)
            self.tracer = Tracer(Sampler(settings.sampler), add)
        if "metrics" in settings.signals:
            metrics = MetricSender(sender, exporters("metrics").metrics(), started, clock)
            add = self._queue("metrics", "metrics", metrics, _METRICS)
            self._metrics = MetricsLoop(telemetry, settings.metric_interval, add)
            self._metrics.start()
        if "logs" in settings.signals:
            logs = LogSender(sender, exporters("logs").logs())
            self._add_log = self._queue("logs", "log records", logs, settings.log_records)
            self.log_handler = OtelLogHandler(self._add_log)

    def _queue(
        self, signal: str, what: str, sender: SpanSender | MetricSender | LogSender, batches: BatchSettings
    ) -> Callable[[Any], None]:
        queue: BatchQueue[Any] = BatchQueue(what, ReportingSender(what, sender.send).send, batches)
        self._queues[signal] = queue
        self._closes.append(sender.close)
        queue.start()
        return queue.add

    def with_access_log(
        self, write: Callable[[Entry | DetailedEntry], None]
    ) -> Callable[[Entry | DetailedEntry], None]:
        """What takes a line of the access log, where `write` writes it."""
        add = self._add_log
        if add is None:
            return write
        clock, tracer = self._clock, self.tracer

        def note(entry: Entry | DetailedEntry) -> None:
            write(entry)
            add(access_entry(clock(), entry, None if tracer is None else tracer.current))

        return note

    def lost(self) -> dict[str, int]:
        """What was dropped since the start, by signal."""
        return {signal: queue.lost for signal, queue in self._queues.items()}

    async def stop(self) -> None:
        """Sends what waits, and gives up on what can't be sent in time."""
        if self._metrics is not None:
            await self._metrics.stop()
        await asyncio.to_thread(_flush, list(self._queues.values()))
        if self._metrics is not None:
            self._metrics.hand_over()
        for close in self._closes:
            close()


def _flush(queues: Sequence[BatchQueue[Any]]) -> None:
    deadline = time.monotonic() + FLUSH_TIMEOUT
    for queue in queues:
        queue.begin_stop()
    for queue in queues:
        queue.stop(deadline)
