"""How the servers of the upstreams do, for those who watch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.telemetry.snapshot import Gauges, Labels
from gateway.upstream import Upstream
from gateway.upstream.breaker import State


def upstream_gauges(upstreams: Iterable[Upstream]) -> Callable[[], Gauges]:
    """Reads the gauges; costs nothing until it is called."""
    watched = tuple(upstreams)

    def read() -> Gauges:
        gauges: Gauges = {}
        for upstream in watched:
            for server in upstream.servers:
                labels: Labels = (upstream.name, server.name)
                condition = server.condition
                values = {
                    "upstream_healthy": float(condition.healthy),
                    "upstream_breaker_open": float(condition.breaker.state is not State.CLOSED),
                    "upstream_in_flight": float(server.active),
                    "upstream_connections": float(server.pool.size),
                }
                for family, value in values.items():
                    gauges.setdefault(family, {})[labels] = value
        return gauges

    return read
