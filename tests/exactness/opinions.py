"""What a proxy makes of raw bytes: what it answers, and what it sends to its upstream."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tests.raw import RawMessage, RawUpstream

SILENCE = 0.03
"""Seconds without a byte after an answer: then no other is to come."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a request that went upstream asks for."""

    method: str
    target: str
    host: tuple[str, ...]
    body: bytes

    @classmethod
    def of(cls, message: RawMessage) -> Forwarded:
        return cls(message.method, message.target, tuple(message.all("Host")), message.content)


@dataclass(frozen=True, slots=True)
class Opinion:
    """One proxy's view of one request."""

    status: int | None
    """Of its first answer; None: it gave none in time, or closed."""
    forwarded: tuple[Forwarded, ...]


def ask(port: int, upstream: RawUpstream, data: bytes, patience: float) -> Opinion:
    """Sends bytes to the proxy at the port, which has the upstream for itself."""
    upstream.reset()
    answers = conversation(port, data, patience)
    status = int(answers[9:12]) if answers[:5] == b"HTTP/" and answers[9:12].isdigit() else None
    return Opinion(status, tuple(Forwarded.of(message) for message in upstream.requests))


def conversation(port: int, data: bytes, patience: float) -> bytes:
    """All that comes back."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        try:
            connection.sendall(data)
            connection.settimeout(patience)
            while piece := connection.recv(65_536):
                received += piece
                connection.settimeout(patience if received.startswith(b"HTTP/1.1 1") else SILENCE)
        except OSError:
            pass  # no more in time, or it was cut off
    return received
