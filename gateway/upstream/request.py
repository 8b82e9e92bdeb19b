"""A request as it leaves for an upstream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.upstream.settings import Timeouts

EXPECT_LINE: Final = b"Expect: 100-continue\r\n"
"""How a head asks for 100 (Continue) before its body."""


class Session(Protocol):
    """What keeps a client on one server."""

    @property
    def wanted(self) -> str | None:
        """The server's name; None: any."""

    def served_by(self, server: str) -> None:
        """The response of this server is about to be passed on."""


class BodyCopy(Protocol):
    """Takes a copy of a request while it is sent. Its methods never raise."""

    def begin(self) -> None:
        """The request is on its way to a server."""

    def write(self, data: bytes) -> None:
        """A piece of the body has been sent."""

    def write_end(self) -> None:
        """The body is complete."""


@dataclass(slots=True, init=False)
class UpstreamRequest:
    """The bytes to send, and what must be known to read the response."""

    head: bytes
    """Request line, headers and empty line, and a whole body behind it where there is one."""
    method: str
    timeouts: Timeouts
    body_follows: bool
    """The body is written later, in pieces."""
    chunked: bool
    """Each piece that is written becomes a chunk; the head says so."""
    upgrade: bool
    """The head asks for another protocol, so that 101 is a final response."""
    expects_continue: bool
    """The head has `EXPECT_LINE`: the body waits for 100 (Continue)."""
    key: bytes
    """The value that `balance: hash` hashes."""
    copy: BodyCopy | None
    """Sees the request as it goes; None: nobody does."""
    session: Session | None
    """Prefers a server, and hears which one has answered; None: any server will do."""

    # Written out, as each request makes one: what a dataclass makes by itself is never compiled.
    def __init__(
        self,
        head: bytes,
        method: str,
        timeouts: Timeouts,
        body_follows: bool = False,
        chunked: bool = False,
        upgrade: bool = False,
        expects_continue: bool = False,
        key: bytes = b"",
        copy: BodyCopy | None = None,
        session: Session | None = None,
    ) -> None:
        self.head = head
        self.method = method
        self.timeouts = timeouts
        self.body_follows = body_follows
        self.chunked = chunked
        self.upgrade = upgrade
        self.expects_continue = expects_continue
        self.key = key
        self.copy = copy
        self.session = session
