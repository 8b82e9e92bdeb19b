"""Gauges of the upstream servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.telemetry.snapshot import Gauges, Labels
from gateway.upstream import Upstream
from gateway.upstream.circuit_breaker import BreakerState


def upstream_gauges(upstreams: Iterable[Upstream]) -> Callable[[], Gauges]:
    """Returns a function that reads the gauges at each metrics scrape."""
    watched = tuple(upstreams)

    def read() -> Gauges:
        gauges: Gauges = {}
        for upstream in watched:
            for server in upstream.servers:
                labels: Labels = (upstream.name, server.name)
                health = server.health
                values = {
                    "upstream_healthy": float(health.healthy),
                    "upstream_breaker_open": float(health.breaker.state is not BreakerState.CLOSED),
                    "upstream_in_flight": float(server.active),
                    "upstream_connections": float(server.pool.size),
                }
                if server.concurrency is not None:
                    values["upstream_concurrency_limit"] = float(server.concurrency.limit)
                for family, value in values.items():
                    gauges.setdefault(family, {})[labels] = value
        return gauges

    return read
