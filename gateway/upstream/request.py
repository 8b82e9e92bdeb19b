"""A request as it leaves for an upstream."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.upstream.settings import Timeouts


@dataclass(slots=True)
class UpstreamRequest:
    """The bytes that go out, and what must be known to read the answer to them."""

    head: bytes
    """Request line, headers and empty line, and a whole body behind it where there is one."""
    method: str
    timeouts: Timeouts
    body_follows: bool = False
    """The body is written later, piece by piece."""
    chunked: bool = False
    """Each piece that is written becomes a chunk; the head says so."""
    upgrade: bool = False
    """The head asks for another protocol, so that 101 is an answer."""
    key: bytes = b""
    """What `balance: hash` goes by."""
