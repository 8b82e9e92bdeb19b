"""The documents of the management listener: `/status`, `/routes` and `/configuration`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.assembly.certificates import certificates
from gateway.assembly.config_identity import sealed_source
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.process.process_status import ProcessStatus
from gateway.telemetry import Telemetry
from gateway.telemetry.metrics import METHODS, OTHER
from gateway.telemetry.snapshot import Labels, Snapshot

ERROR_STATUS = 500
CLIENT_ERROR_STATUS = 400


def documents(
    settings: Settings, configuration: str, process: ProcessStatus, telemetry: Telemetry, clock: Clock
) -> Mapping[str, Callable[[], dict[str, Any]]]:
    """The documents by path. Each is made when it is asked for. `configuration`: the `config_hash`."""
    loaded = clock()
    file = None if settings.source is None else settings.source.file
    identity = {"file": file, "hash": configuration, "loaded": loaded}

    def status() -> dict[str, Any]:
        now, snapshot = clock(), telemetry.aggregate()
        found = process.document(snapshot)
        return {
            **found,
            "uptime_seconds": round(now - found["started"], 1),
            "configuration": {**identity, "age_seconds": round(now - loaded, 1)},
            "certificates": certificates(settings, snapshot.gauges, now),
            "edge": edge(snapshot.gauges),
            "notices": notices(snapshot.gauges),
            **traffic(snapshot),
        }

    return {
        "/status": status,
        "/routes": lambda: {"routes": routes(settings, telemetry.aggregate())},
        "/configuration": lambda: {**identity, "sealed": sealed_source(settings)},
    }


def traffic(snapshot: Snapshot) -> dict[str, Any]:
    """What the counters and gauges say of upstreams, routes and log lines."""
    return {
        "requests_in_flight": snapshot.in_flight,
        "upstreams": _upstreams(snapshot.gauges),
        "requests": _requests(snapshot),
        "lost_log_lines": sum(snapshot.counts.get("lost_log_lines", {}).values()),
    }


def edge(gauges: Mapping[str, Mapping[Labels, float]]) -> dict[str, Any] | None:
    """Of the edge's Envoy; None: there is no edge."""
    up = gauges.get("edge_up", {}).get(())
    if up is None:
        return None
    return {"up": bool(up), "restarts": int(gauges.get("edge_restarts", {}).get((), 0))}


def notices(gauges: Mapping[str, Mapping[Labels, float]]) -> dict[str, int] | None:
    """Of `portal.notify`; None: nobody is told."""
    waiting = gauges.get("notices_waiting", {}).get(())
    if waiting is None:
        return None
    return {"waiting": int(waiting), "failures": int(gauges.get("notice_failures", {}).get((), 0))}


def _upstreams(gauges: Mapping[str, Mapping[Labels, float]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for upstream, server in gauges.get("upstream_healthy", {}):
        values = {family: int(numbers.get((upstream, server), 0)) for family, numbers in gauges.items()}
        found.setdefault(str(upstream), []).append(
            {
                "server": server,
                "healthy": bool(values["upstream_healthy"]),
                "breaker": "open" if values["upstream_breaker_open"] else "closed",
                "requests_in_flight": values["upstream_in_flight"],
                "connections": values["upstream_connections"],
                "concurrency_limit": values.get("upstream_concurrency_limit") or None,
            }
        )
    return found


def _requests(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    """For each route: requests, refused or failed ones among them, and seconds in all."""
    found: dict[str, dict[str, float]] = {}
    for (route, _method, status), number in snapshot.counts.get("requests", {}).items():
        entry = found.setdefault(str(route), {"total": 0, "4xx": 0, "5xx": 0, "seconds": 0.0})
        entry["total"] += number
        if int(status) >= CLIENT_ERROR_STATUS:
            entry["5xx" if int(status) >= ERROR_STATUS else "4xx"] += number
    for (route,), cells in snapshot.timings.get("request_duration", {}).items():
        if str(route) in found:
            found[str(route)]["seconds"] = round(cells[-1], 6)
    return found


def routes(settings: Settings, snapshot: Snapshot) -> list[dict[str, Any]]:
    """The routes as configured, each with the number of its requests."""
    by_method: dict[tuple[str, str], float] = {}
    for (path, method, _status), number in snapshot.counts.get("requests", {}).items():
        call = (str(path), str(method))
        by_method[call] = by_method.get(call, 0) + number
    own = [use.use for use in settings.plugins]
    return [_route(route, own, _requests_of(route, by_method)) for route in settings.routes]


def _requests_of(route: RouteSettings, by_method: Mapping[tuple[str, str], float]) -> int:
    """Routes of the same path share the requests by method; a method that is in no fixed set is OTHER."""
    mine = None if route.methods is None else {name if name in METHODS else OTHER for name in route.methods}
    counted = (
        number
        for (path, name), number in by_method.items()
        if path == route.path and (not mine or name in mine)
    )
    return int(sum(counted))


def _route(route: RouteSettings, own: list[str], requests: int) -> dict[str, Any]:
    return {
        "path": route.path,
        "match": route.match,
        "host": route.host,
        "methods": None if route.methods is None else list(route.methods),
        "where": None if route.where is None else route.where.model_dump(),
        "upstream": route.upstream,
        "verify_only": route.verify_only,
        "auth": route.auth,
        "access": route.access,
        "scopes": list(route.scopes),
        "audience": route.audience,
        "enabled": route.enabled,
        "plugins": own + [use.use for use in route.plugins],
        "requests": requests,
    }
