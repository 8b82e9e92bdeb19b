"""The counters of one process, in plain dictionaries."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.runtime.caches import KIB, MIB, cached_unchecked, register
from gateway.telemetry.process_usage import process_usage
from gateway.telemetry.shared_metrics import SharedMetrics
from gateway.telemetry.snapshot import BUCKETS, Gauges, Labels, ProcessInfo, Snapshot, Timings, add_timings

_REQUEST: Final = BUCKETS["request_duration"]
_STORE: Final = BUCKETS["store_duration"]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER: Final = "OTHER"
"""Replaces label values that are not in a fixed set."""

MAX_SERIES = 10_000
"""Label sets per family, against unbounded growth. Further ones are counted as OTHER."""
_SERIES: Final = register("label sets of a metric", __name__, entries=MAX_SERIES, total_bytes=16 * MIB)


class Telemetry:
    """Counters of one process since its start.

    Label values must come from the configuration, never from the client: a route is its configured path or
    `-` if none matched; an unknown grant is `-`.
    """

    __slots__ = (
        "_limits",
        "_mirror",
        "_requests",
        "_shared",
        "_store",
        "_tokens",
        "_tool_calls",
        "_upstream",
        "gauges",
        "in_flight",
        "lost_log_lines",
        "otel_lost",
        "process_gauges",
        "process_info",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        """Requests in flight. The caller increments and decrements it."""
        self.gauges: Callable[[], Gauges] = dict
        """Returns the current gauges; called once per snapshot."""
        self.process_gauges: Callable[[], Gauges] = dict
        """Returns the current gauges that outlive a reload; called once per snapshot."""
        self.lost_log_lines: Callable[[], int] = int
        """Returns the number of dropped log lines."""
        self.otel_lost: Callable[[], dict[str, int]] = dict
        """Returns what was dropped in place of being sent to an OpenTelemetry collector, by signal."""
        self.process_info: Callable[[], ProcessInfo] = dict
        """Returns facts about this process; called once per snapshot."""
        self._requests: Timings = {}
        self._limits: dict[Labels, float] = {}
        self._tokens: dict[Labels, float] = {}
        self._store: Timings = {}
        self._upstream: dict[Labels, float] = {}
        self._tool_calls: dict[Labels, float] = {}
        self._mirror: dict[Labels, float] = {}
        self._shared: SharedMetrics | None = None

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a response, from the upstream or from the gateway itself. `seconds`: its duration."""
        try:
            cells = self._requests[route, method, status]
        except KeyError:
            labels = (route, method if method in METHODS else OTHER, status)
            cells = _cells(self._requests, labels, _REQUEST)
        cells[bisect_left(_REQUEST, seconds)] += 1
        cells[-1] += seconds

    def token(self, grant: str, outcome: str) -> None:
        """Counts a token response. `outcome`: `issued`, `reused` or an OAuth error code."""
        _count(self._tokens, (grant, outcome))

    def store_call(self, command: str, outcome: str, seconds: float) -> None:
        """Counts a store command. `outcome`: `ok`, or the failure in one word."""
        try:
            cells = self._store[command, outcome]
        except KeyError:
            cells = _cells(self._store, (command, outcome), _STORE)
        cells[bisect_left(_STORE, seconds)] += 1
        cells[-1] += seconds

    def on_store_command(self, command: str, seconds: float, failed: bool) -> None:
        """Observer callback of the store connection; see `store_call`."""
        self.store_call(command.lower(), "failed" if failed else "ok", seconds)

    def upstream_failure(self, upstream: str, kind: str) -> None:
        """Counts a failed upstream request. `kind`: `broken`, `slow` or `unavailable`."""
        _count(self._upstream, (upstream, kind))

    def tool_call(self, route: str, tool: str, status: int) -> None:
        """Counts a call of a tool of an MCP server. `tool`: a configured name, or `other`."""
        _count(self._tool_calls, (route, tool, status))

    def mirror_dropped(self, route: str, reason: str) -> None:
        """Counts a request that has no copy though it should. `reason`: `busy`, `body` or `unavailable`."""
        _count(self._mirror, (route, reason))

    def limit_reached(self, limit: str) -> None:
        """Counts a connection that a limit has ended, or a request that it has refused."""
        _count(self._limits, (limit,))

    def snapshot(self) -> Snapshot:
        """A copy of this process's metrics."""
        return Snapshot(
            in_flight=self.in_flight,
            workers=1,
            counts={
                "requests": _counts(self._requests),
                "tokens": dict(self._tokens),
                "store_calls": _counts(self._store),
                "upstream_failures": dict(self._upstream),
                "tool_calls": dict(self._tool_calls),
                "mirror_dropped": dict(self._mirror),
                "limits_reached": dict(self._limits),
                "lost_log_lines": {(): self.lost_log_lines()},
                "otel_lost": {(signal,): lost for signal, lost in self.otel_lost().items()},
            },
            timings={
                "request_duration": _by_first(self._requests),
                "store_duration": _by_first(self._store),
            },
            gauges={**self.gauges(), **self.process_gauges()},
            processes=[{**process_usage(), "requests_in_flight": self.in_flight, **self.process_info()}],
        )

    def share(self, directory: Path, name: str) -> None:
        """Joins the workers that publish their metrics in `directory`, under the unique `name`."""
        self._shared = SharedMetrics(directory, name)

    @property
    def shared_directory(self) -> Path | None:
        """That of `share`; None: there is one worker only."""
        return None if self._shared is None else self._shared.directory

    def publish(self) -> None:
        """Writes the metrics for the other workers to read. Call it about once a second. Raises OSError."""
        if self._shared is not None:
            self._shared.write(self.snapshot())

    def aggregate(self) -> Snapshot:
        """Metrics of all workers: this one's current values, the others' as last published."""
        own = self.snapshot()
        return own if self._shared is None else self._shared.merged_with_others(own)

    def render(self) -> tuple[bytes, str]:
        """The Prometheus text of `aggregate()` and its Content-Type."""
        # Imported lazily: a process that is never scraped does not need prometheus_client.
        from gateway.telemetry.exposition import exposition  # noqa: PLC0415

        return exposition(self.aggregate())


_TELEMETRY: Final = register("telemetry of the process", __name__, entries=1, total_bytes=64 * KIB)


@cached_unchecked(_TELEMETRY)
def process_telemetry() -> Telemetry:
    """The process-wide `Telemetry`. Its counters survive a configuration reload."""
    return Telemetry()


def _count(family: dict[Labels, float], labels: Labels) -> None:
    try:
        family[labels] += 1
    except KeyError:
        key = _limit_series(labels, len(family))
        family[key] = family.get(key, 0) + 1


def _cells(family: Timings, labels: Labels, bounds: tuple[float, ...]) -> list[float]:
    try:
        return family[labels]
    except KeyError:
        # One cell per bucket, one for +Inf, and the sum.
        return family.setdefault(_limit_series(labels, len(family)), [0] * (len(bounds) + 2))


def _counts(timings: Timings) -> dict[Labels, float]:
    """How many there were of each."""
    return {labels: sum(cells[:-1]) for labels, cells in timings.items()}


def _by_first(timings: Timings) -> Timings:
    """Durations aggregated by the first label: the route, or the command."""
    aggregated: Timings = {}
    for labels, cells in timings.items():
        add_timings(aggregated, {labels[:1]: cells})
    return aggregated


def _limit_series(labels: Labels, series: int) -> Labels:
    return labels if series < MAX_SERIES else (OTHER,) * len(labels)
