"""The metrics of `/metrics` as OpenTelemetry's: the same families, names and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

_SECONDS = "_seconds"


def metrics_data(
    families: Iterable[Family], sender: Resource, scope: InstrumentationScope, started: int, now: int
) -> MetricsData:
    """One export. `started` and `now`: since when is counted and until when, in nanoseconds."""
    metrics = [metric for family in families if (metric := _metric(family, started, now)) is not None]
    return MetricsData([ResourceMetrics(sender, [ScopeMetrics(scope, metrics, "")], "")])


def _metric(family: Family, started: int, now: int) -> Metric | None:
    if not family.samples:
        return None
    cumulative = AggregationTemporality.CUMULATIVE
    data: Any
    if family.type == "counter":
        data = Sum(_numbers(family.samples, started, now, int), cumulative, is_monotonic=True)
    elif family.type == "histogram":
        data = HistogramData(list(_histograms(family.samples, started, now)), cumulative)
    else:
        data = Gauge(_numbers(family.samples, started, now, float))
    unit = "s" if family.name.endswith(_SECONDS) else ""
    name = family.samples[0].name if family.type == "info" else family.name
    return Metric(name, family.documentation, unit, data)


def _numbers(
    samples: Iterable[Sample], started: int, now: int, kind: type[int] | type[float]
) -> list[NumberDataPoint]:
    return [NumberDataPoint(dict(sample.labels), started, now, kind(sample.value)) for sample in samples]


def _histograms(samples: Iterable[Sample], started: int, now: int) -> Iterator[HistogramDataPoint]:
    """Prometheus counts in each bucket what is in those below it, too; OpenTelemetry does not."""
    series: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        found = series.setdefault(tuple(labels.items()), {"buckets": [], "sum": 0.0})
        if sample.name.endswith("_bucket"):
            found["buckets"].append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            found["sum"] = sample.value
    for key, found in series.items():
        totals = [0, *(int(total) for _, total in found["buckets"])]
        yield HistogramDataPoint(
            attributes=dict(key),
            start_time_unix_nano=started,
            time_unix_nano=now,
            count=totals[-1],
            sum=found["sum"],
            bucket_counts=[above - below for below, above in pairwise(totals)],
            explicit_bounds=[bound for bound, _ in found["buckets"]][:-1],
            # Optional in the protocol, and not known.
            min=None,
            max=None,
        )
