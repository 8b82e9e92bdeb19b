"""A snapshot in Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway import __version__
from gateway.telemetry.snapshot import BUCKETS, Snapshot

_COUNTERS = {
    "requests": ("gatepost_requests", "Requests answered", ("route", "method", "status")),
    "tokens": ("gatepost_tokens", "Answers of the token endpoint", ("grant", "outcome")),
    "store_calls": ("gatepost_store_calls", "Questions to the store", ("command", "outcome")),
    "upstream_failures": ("gatepost_upstream_failures", "Unusable upstream answers", ("upstream", "kind")),
}
_SERVER = ("upstream", "server")
_GAUGES = {
    "upstream_healthy": ("gatepost_upstream_healthy", "Whether health checks find a server well", _SERVER),
    "upstream_breaker_open": ("gatepost_upstream_breaker_open", "Whether a server has a rest", _SERVER),
    "upstream_in_flight": ("gatepost_upstream_requests_in_flight", "Sent, not answered", _SERVER),
    "upstream_connections": ("gatepost_upstream_connections", "Connections to a server", _SERVER),
}
_HISTOGRAMS = {
    "request_duration": ("gatepost_request_duration_seconds", "From the head to the last byte", "route"),
    "store_duration": ("gatepost_store_call_duration_seconds", "Time the store took", "command"),
}


def exposition(snapshot: Snapshot) -> tuple[bytes, str]:
    """The text and its Content-Type."""
    registry = CollectorRegistry()
    registry.register(_Collector(snapshot))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Collector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        yield from self._facts()
        yield from self._gauges()
        yield from self._counters()
        yield from self._histograms()

    def _facts(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "gatepost_build",
            "What is running",
            {"version": __version__, "python": platform.python_version()},
        )
        yield GaugeMetricFamily("gatepost_workers", "Worker processes that serve", self._snapshot.workers)
        yield GaugeMetricFamily("gatepost_requests_in_flight", "Begun, not ended", self._snapshot.in_flight)

    def _gauges(self) -> Iterator[Metric]:
        for kind, (name, text, labels) in _GAUGES.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            for values, number in self._snapshot.gauges.get(kind, {}).items():
                family.add_metric([str(value) for value in values], number)
            yield family

    def _counters(self) -> Iterator[Metric]:
        for kind, (name, text, labels) in _COUNTERS.items():
            family = CounterMetricFamily(name, text, labels=labels)
            for values, number in self._snapshot.counts.get(kind, {}).items():
                family.add_metric([str(value) for value in values], number)
            yield family

    def _histograms(self) -> Iterator[Metric]:
        for kind, (name, text, label) in _HISTOGRAMS.items():
            family = HistogramMetricFamily(name, text, labels=[label])
            for values, cells in self._snapshot.timings.get(kind, {}).items():
                family.add_metric([str(value) for value in values], _buckets(kind, cells), cells[-1])
            yield family


def _buckets(kind: str, cells: list[float]) -> list[tuple[str, float]]:
    bounds = [*BUCKETS[kind], float("inf")]
    return list(zip(map(floatToGoString, bounds), accumulate(cells[:-1]), strict=True))
