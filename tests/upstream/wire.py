"""A connection without a socket, for tests that feed it by hand."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.settings import PoolSettings


class Transport:
    """Keeps what is written and does nothing."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Keeper:
    """An owner that only counts."""

    def __init__(self) -> None:
        self.free: list[Any] = []
        self.gone: list[Any] = []

    def released(self, connection: Any) -> None:
        self.free.append(connection)

    def lost(self, connection: Any) -> None:
        self.gone.append(connection)


def wired(
    loop: asyncio.AbstractEventLoop, settings: PoolSettings | None = None
) -> tuple[UpstreamConnection, Transport, Keeper]:
    """A connection that stands, on a transport that goes nowhere."""
    transport, keeper = Transport(), Keeper()
    connection = UpstreamConnection(loop, keeper, settings or PoolSettings())
    connection.connection_made(cast(asyncio.Transport, transport))
    return connection, transport, keeper
