"""`gatepost status`: what the running gateway is doing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import config_option
from gateway.commands.running import fetch_or_exit, management_listener, management_option
from gateway.commands.tables import table
from gateway.runtime.edition import version_text

MIB = 1024 * 1024


@click.command()
@config_option
@management_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole status as JSON.")
def status(config: Path, url: str | None, as_json: bool) -> None:
    """Show configuration, last reload, workers and upstreams of the running gateway."""
    document = fetch_or_exit(management_listener(config, url), "/status")
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in lines(document):
        click.echo(line)


def lines(document: dict[str, Any]) -> Iterator[str]:
    """The status in words."""
    running = document["configuration"]
    up = duration(document["uptime_seconds"])
    version = version_text(document["version"], compiled=document.get("compiled", False))
    yield f"version        {version}, up {up}, pid {document['pid']}"
    yield f"configuration  {running['file']} {running['hash']}, loaded {duration(running['age_seconds'])} ago"
    yield f"last reload    {_reload(document['last_reload'])}"
    yield f"last upgrade   {_upgrade(document.get('last_upgrade'))}"
    yield f"log lines lost {document['lost_log_lines']:g}"
    edge = document.get("edge")
    if edge is not None:
        yield f"edge           {'up' if edge['up'] else 'down'}, {edge['restarts']} restarts"
    notices = document.get("notices")
    if notices is not None:
        failures = notices["failures"]
        failing = f", the last {failures} attempts failed (see the log)" if failures else ""
        yield f"notices        {notices['waiting']} waiting{failing}"
    yield ""
    yield from table(
        ("WORKER", "CONNECTIONS", "IN FLIGHT", "MEMORY", "CPU", "OPEN FILES", "STORE", "CACHED TOKENS"),
        [_worker(worker) for worker in document["workers"]],
    )
    certificates = [_certificate(one) for one in document.get("certificates", [])]
    if certificates:
        yield ""
        yield from table(("CERTIFICATE", "EXPIRES", "ACME"), certificates)
    servers = [
        (name, *_server(server)) for name, servers in document["upstreams"].items() for server in servers
    ]
    if servers:
        yield ""
        yield from table(("UPSTREAM", "SERVER", "HEALTH", "BREAKER", "IN FLIGHT", "CONNECTIONS"), servers)


def duration(seconds: float) -> str:
    """Seconds as `3d 4h`, `5m 6s`: the two largest units."""
    units = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
    rest = int(seconds)
    parts: list[str] = []
    for unit, size in units:
        count, rest = divmod(rest, size)
        if count or parts or unit == "s":
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def _upgrade(report: dict[str, Any] | None) -> str:
    if report is None:
        return "none"
    if not report["ok"]:
        return f"failed at {_time(report)}: {report['problems'][0] if report['problems'] else 'see the log'}"
    return f"from {report['from_version']} to {report['to_version']} at {_time(report)}"


def _time(report: dict[str, Any]) -> str:
    return datetime.fromtimestamp(report["time"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _reload(report: dict[str, Any] | None) -> str:
    if report is None:
        return "none since the start"
    when = _time(report)
    if not report["ok"]:
        return f"failed at {when}: {report['problems'][0] if report['problems'] else 'see the log'}"
    waiting = f"; needs a restart: {', '.join(report['needs_restart'])}" if report["needs_restart"] else ""
    return f"done at {when}, {len(report['changes'])} changes{waiting}"


def _worker(worker: dict[str, Any]) -> tuple[str, ...]:
    files = "-" if worker["open_files"] is None else f"{worker['open_files']} of {worker['max_open_files']}"
    return (
        str(worker["pid"]),
        str(worker.get("connections", "-")),
        str(worker["requests_in_flight"]),
        f"{worker['memory_bytes'] / MIB:.0f} MiB",
        f"{worker['cpu_seconds']:.1f} s",
        files,
        "connected" if worker.get("store_connected") else "not connected",
        str(worker.get("cached_tokens", "-")),
    )


def _certificate(one: dict[str, Any]) -> tuple[str, ...]:
    left, acme = one["expires_in_seconds"], one["acme"]
    expires = f"in {duration(left)}" if left > 0 else "expired"
    if acme is None:
        return one["certificate"], expires, "-"
    if not acme["failures"]:
        return one["certificate"], expires, "issued" if acme["issued"] else "self-signed, being ordered"
    return one["certificate"], expires, f"failed {acme['failures']} times: {acme['last_failure']}"


def _server(server: dict[str, Any]) -> tuple[str, ...]:
    health = "healthy" if server["healthy"] else "unhealthy"
    limit = server.get("concurrency_limit")
    return (
        server["server"],
        health,
        server["breaker"],
        str(server["requests_in_flight"]) + (f" (limit {limit})" if limit else ""),
        str(server["connections"]),
    )
