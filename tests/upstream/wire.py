"""A connection without a socket, for tests that feed it by hand."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.settings import PoolSettings
from tests.upstream.defaults import pool_of


class Transport:
    """Keeps what is written and does nothing."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def abort(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> object:
        """As a transport with TLS: there is no socket from which plain text could be read."""
        return True if name == "sslcontext" else None

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Keeper:
    """In place of a pool: writes down what it is told."""

    def __init__(self) -> None:
        self.free: list[Any] = []
        self.gone: list[Any] = []
        self.idle_for: list[float | None] = []

    def released(self, connection: Any) -> None:
        self.free.append(connection)

    def closed(self, connection: Any, idle_for: float | None = None) -> None:
        self.gone.append(connection)
        self.idle_for.append(idle_for)


def wired(
    loop: asyncio.AbstractEventLoop, settings: PoolSettings | None = None
) -> tuple[UpstreamConnection, Transport, Keeper]:
    """A connection that stands, on a transport that goes nowhere."""
    transport, keeper = Transport(), Keeper()
    connection = UpstreamConnection(loop, keeper, settings or pool_of())
    connection.connection_made(cast(asyncio.Transport, transport))
    return connection, transport, keeper
