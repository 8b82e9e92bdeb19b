"""Most gateways have no edge, and so load nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.config.model import Settings
from gateway.process.edge_process import EdgeProcess


@contextmanager
def open_edge(settings: Settings) -> Iterator[EdgeProcess]:
    """Prepares the edge, if a listener has one. StartError if it can't be had."""
    if not any(one.at_edge for one in settings.server.listen):
        yield EdgeProcess()
        return
    from gateway.process.envoy_edge import open_envoy  # noqa: PLC0415 (few gateways have one)

    with open_envoy(settings) as edge:
        yield edge
