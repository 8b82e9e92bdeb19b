"""The edge of the gateway that runs."""

from __future__ import annotations

import secrets

from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.http.edge_header import EdgeHeader
from gateway.process.certificates import Certificates
from gateway.process.listeners import ListenSocket
from gateway.process.sockets import ListenSockets
from gateway.telemetry.snapshot import Gauges


class EdgeProcess:
    """Runs in the supervising process, not in the workers, which take from it what they need.

    This is what there is without an edge.
    """

    running = False
    """Whether there is an edge."""

    def __init__(self) -> None:
        self.header = EdgeHeader(f"x-{secrets.token_hex(16)}")
        """By which it tells the workers of clients."""

    def listen(self, settings: Settings) -> ListenSocket | None:
        """New sockets, where the workers of a configuration take requests from it. None: there is no edge."""
        return None

    def open(
        self,
        settings: Settings,
        workers: ListenSocket | None,
        sockets: ListenSockets,
        certificates: Certificates,
        clock: Clock,
    ) -> None:
        """Begins to accept: the workers are ready. StartError if it can't."""

    def apply(self, settings: Settings, workers: ListenSocket | None, sockets: ListenSockets) -> None:
        """Turns to the workers of another configuration, which are ready. StartError if it can't."""

    def ensure(self) -> None:
        """Restarts it if it has died, and gives it certificates that have changed. Call it often."""

    def gauges(self) -> Gauges:
        """Whether it runs, and how often it was restarted; also in workers. Nothing where there is none."""
        return {}

    def begin_drain(self, settings: Settings) -> None:
        """At the beginning of a shutdown: accepts no more after `timeouts.shutdown_delay`."""
