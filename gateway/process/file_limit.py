"""Whether the process may have as many files open as the configuration allows connections."""

from __future__ import annotations

from gateway.config.model import Settings

RESERVE = 128
"""Descriptors for everything but connections: listening sockets, the store, logs, Python's own."""


def connections_allowed(settings: Settings) -> tuple[int, int]:
    """The connections that a worker may have: from clients, and to upstreams."""
    upstreams = sum(len(one.servers) * one.max_connections for one in settings.upstreams.values())
    return settings.server.max_connections, upstreams


def file_limit_warning(limit: int, settings: Settings) -> str | None:
    """What to say where `limit` open files are too few for a worker; None: they suffice."""
    clients, upstreams = connections_allowed(settings)
    needed = clients + upstreams + RESERVE
    if limit >= needed:
        return None
    return (
        f"a worker may have {limit} files open (ulimit -n), but the configuration allows {clients} "
        f"connections from clients and {upstreams} to upstreams: raise the limit to {needed}, or lower "
        "server.max_connections"
    )
