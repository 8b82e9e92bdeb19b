"""The counters of one process, as cheap as a dictionary."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from pathlib import Path

from gateway.telemetry.sharing import SharedTallies
from gateway.telemetry.snapshot import BUCKETS, Gauges, Labels, Snapshot, Timings, add_timings

_REQUEST = BUCKETS["request_duration"]
_STORE = BUCKETS["store_duration"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER = "OTHER"
"""Stands for every value that would add a label without a bound."""

MOST_SERIES = 10_000
"""No family grows past this many label sets, whatever strangers send: the rest is counted as OTHER."""


class Telemetry:
    """What one process has counted since it started.

    Labels must come from the configuration, never from the caller: a route is its configured path, `-` where
    there is none; a grant that is not served here is `-`.
    """

    __slots__ = (
        "_requests",
        "_shared",
        "_store",
        "_store_times",
        "_tokens",
        "_upstream",
        "gauges",
        "in_flight",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        """Requests that have begun and not ended: add 1 and take 1 away."""
        self.gauges: Callable[[], Gauges] = dict
        """Says what is so at the moment; asked only when somebody wants to know."""
        self._requests: Timings = {}
        self._tokens: dict[Labels, float] = {}
        self._store: dict[Labels, float] = {}
        self._store_times: Timings = {}
        self._upstream: dict[Labels, float] = {}
        self._shared: SharedTallies | None = None

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered, by the upstream or by the gateway itself."""
        try:
            cells = self._requests[route, method, status]
        except KeyError:
            labels = (route, method if method in METHODS else OTHER, status)
            cells = _cells(self._requests, labels, _REQUEST)
        cells[bisect_left(_REQUEST, seconds)] += 1
        cells[-1] += seconds

    def token(self, grant: str, outcome: str) -> None:
        """The token endpoint answered: `outcome` is `issued`, `reused` or an OAuth error code."""
        _count(self._tokens, (grant, outcome))

    def store_call(self, command: str, outcome: str, seconds: float) -> None:
        """The store was asked: `outcome` is `ok`, or what went wrong in one word."""
        _count(self._store, (command, outcome))
        _observe(self._store_times, (command,), seconds, _STORE)

    def store_asked(self, command: str, seconds: float, failed: bool) -> None:
        """The same, as the store's link tells it."""
        self.store_call(command.lower(), "failed" if failed else "ok", seconds)

    def upstream_failure(self, upstream: str, kind: str) -> None:
        """An upstream gave no usable answer: `kind` is `broken`, `slow` or `unavailable`."""
        _count(self._upstream, (upstream, kind))

    def snapshot(self) -> Snapshot:
        """All of this process's numbers, as a value of its own."""
        return Snapshot(
            in_flight=self.in_flight,
            workers=1,
            counts={
                "requests": {labels: sum(cells[:-1]) for labels, cells in self._requests.items()},
                "tokens": dict(self._tokens),
                "store_calls": dict(self._store),
                "upstream_failures": dict(self._upstream),
            },
            timings={
                "request_duration": _by_route(self._requests),
                "store_duration": {key: list(cells) for key, cells in self._store_times.items()},
            },
            gauges=self.gauges(),
        )

    def share(self, directory: Path, name: str) -> None:
        """From now on this process is one of several that keep their numbers in `directory`."""
        self._shared = SharedTallies(directory, name)

    def publish(self) -> None:
        """Leaves the numbers where the other workers find them; call it about once a second."""
        if self._shared is not None:
            self._shared.write(self.snapshot())

    def everything(self) -> Snapshot:
        """The numbers of all workers: this one's to the moment, the others' as they last published them."""
        own = self.snapshot()
        return own if self._shared is None else self._shared.with_others(own)

    def render(self) -> tuple[bytes, str]:
        """Prometheus' text of `everything`, and its Content-Type."""
        # prometheus_client is asked for only here: a process that nobody scrapes does without it.
        from gateway.telemetry.exposition import exposition  # noqa: PLC0415

        return exposition(self.everything())


@cache
def process_telemetry() -> Telemetry:
    """The one `Telemetry` of this process: its counts outlive a reload of the configuration."""
    return Telemetry()


def _count(family: dict[Labels, float], labels: Labels) -> None:
    try:
        family[labels] += 1
    except KeyError:
        key = _bounded(labels, len(family))
        family[key] = family.get(key, 0) + 1


def _observe(family: Timings, labels: Labels, seconds: float, bounds: tuple[float, ...]) -> None:
    cells = _cells(family, labels, bounds)
    cells[bisect_left(bounds, seconds)] += 1
    cells[-1] += seconds


def _cells(family: Timings, labels: Labels, bounds: tuple[float, ...]) -> list[float]:
    try:
        return family[labels]
    except KeyError:
        # One cell a bound, one for what is longer than all, and the sum at the end.
        return family.setdefault(_bounded(labels, len(family)), [0] * (len(bounds) + 2))


def _by_route(requests: Timings) -> Timings:
    """The durations of all requests on a route together."""
    routes: Timings = {}
    for labels, cells in requests.items():
        add_timings(routes, {labels[:1]: cells})
    return routes


def _bounded(labels: Labels, series: int) -> Labels:
    return labels if series < MOST_SERIES else (OTHER,) * len(labels)
