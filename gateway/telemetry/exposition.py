"""Renders a snapshot in the Prometheus text format.

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
from gateway.runtime.edition import is_compiled
from gateway.telemetry.snapshot import BUCKETS, Snapshot

_COUNTERS = {
    "requests": ("gatepost_requests", "Requests served", ("route", "method", "status")),
    "tokens": ("gatepost_tokens", "Token endpoint responses", ("grant", "outcome")),
    "store_calls": ("gatepost_store_calls", "Store commands", ("command", "outcome")),
    "upstream_failures": ("gatepost_upstream_failures", "Failed upstream requests", ("upstream", "kind")),
    "mirror_dropped": ("gatepost_mirror_dropped", "Requests that could not be mirrored", ("route", "reason")),
    "tool_calls": ("gatepost_mcp_tool_calls", "Calls of tools of MCP servers", ("route", "tool", "status")),
    "limits_reached": (
        "gatepost_limits_reached",
        "Connections ended and requests refused by a limit of the server",
        ("limit",),
    ),
    "otel_lost": (
        "gatepost_otel_lost",
        "Spans, log records and exports of metrics that no OpenTelemetry collector has taken",
        ("signal",),
    ),
    "lost_log_lines": ("gatepost_log_lines_lost", "Log lines dropped because the reader was too slow", ()),
}
_SERVER = ("upstream", "server")
_GAUGES = {
    "acme_failures": (
        "gatepost_acme_failures",
        "Failed attempts in a row to have a certificate issued",
        ("certificate",),
    ),
    "certificate_expiry": (
        "gatepost_tls_certificate_expiry_seconds",
        "Expiry of the certificate in use, in seconds since the epoch",
        ("certificate",),
    ),
    "certificate_rejected": (
        "gatepost_tls_certificate_rejected",
        "The files on disk can't be used, an earlier certificate is (1/0)",
        ("certificate",),
    ),
    "edge_up": ("gatepost_edge_up", "The edge's Envoy runs and answers (1/0)", ()),
    "event_loop_delay": (
        "gatepost_event_loop_delay_seconds",
        "How late a worker's event loop was when last measured",
        (),
    ),
    "notices_waiting": ("gatepost_notices_waiting", "Notices that wait to be sent", ()),
    "notice_failures": (
        "gatepost_notice_failures",
        "Attempts to send a notice that failed since one did not",
        (),
    ),
    "store_can_issue": ("gatepost_store_can_issue", "The store takes new tokens (1/0)", ()),
    "store_can_revoke": ("gatepost_store_can_revoke", "The store takes revocations (1/0)", ()),
    "store_evicts": ("gatepost_store_evicts", "The store deletes any key when its memory is full (1/0)", ()),
    "revocation_seen": (
        "gatepost_revocation_seen_seconds",
        "Until the slowest worker heard of the last change in the store; growing while one hears nothing",
        (),
    ),
    "store_clock_difference": (
        "gatepost_store_clock_difference_seconds",
        "This machine's clock minus the store's",
        (),
    ),
    "upstream_healthy": (
        "gatepost_upstream_healthy",
        "Upstream server healthy by its health checks (1/0)",
        _SERVER,
    ),
    "upstream_breaker_open": ("gatepost_upstream_breaker_open", "Circuit breaker open (1/0)", _SERVER),
    "upstream_in_flight": ("gatepost_upstream_requests_in_flight", "In-flight upstream requests", _SERVER),
    "upstream_connections": (
        "gatepost_upstream_connections",
        "Open connections to an upstream server",
        _SERVER,
    ),
    "upstream_concurrency_limit": (
        "gatepost_upstream_concurrency_limit",
        "Requests that may wait for an upstream server's response, where adaptive_concurrency is on",
        _SERVER,
    ),
}
_COUNTERS_OF_ALL = {
    "edge_restarts": ("gatepost_edge_restarts", "Restarts of the edge's Envoy, which had died or hung"),
}
"""Counted once for all workers, which know the number as they know gauges."""
_HISTOGRAMS = {
    "request_duration": (
        "gatepost_request_duration_seconds",
        "Request duration, from its head to the last byte of the response",
        "route",
    ),
    "store_duration": ("gatepost_store_call_duration_seconds", "Store command duration", "command"),
}


def exposition(snapshot: Snapshot) -> tuple[bytes, str]:
    """The exposition text and its Content-Type."""
    registry = CollectorRegistry()
    registry.register(_Collector(snapshot))
    return generate_latest(registry), CONTENT_TYPE_LATEST


def families(snapshot: Snapshot) -> Iterator[Metric]:
    """All metrics of a snapshot."""
    return _Collector(snapshot).collect()


class _Collector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        yield from self._process_metrics()
        yield from self._gauges()
        yield from self._counters()
        yield from self._histograms()

    def _process_metrics(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "gatepost_build",
            "Version of Gatepost and of Python",
            {
                "version": __version__,
                "python": platform.python_version(),
                "compiled": str(is_compiled()).lower(),
            },
        )
        yield GaugeMetricFamily("gatepost_workers", "Worker processes", self._snapshot.workers)
        yield GaugeMetricFamily("gatepost_requests_in_flight", "In-flight requests", self._snapshot.in_flight)

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
        for kind, (name, text) in _COUNTERS_OF_ALL.items():
            family = CounterMetricFamily(name, text)
            for number in self._snapshot.gauges.get(kind, {}).values():
                family.add_metric([], number)
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
