"""Who hears of an exchange with an upstream, and how an answer's end is told."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamError


class Framing(Enum):
    """How the end of an answer's body is told (RFC 9112 section 6.3)."""

    NONE = "none"
    """There is no body, whatever the headers say: HEAD, 204, 304."""
    LENGTH = "length"
    """Content-Length bytes."""
    CHUNKED = "chunked"
    CLOSE = "close"
    """The connection's end is the body's end."""
    UPGRADE = "upgrade"
    """101: from here on, bytes of another protocol, both ways."""


class Sink(Protocol):
    """Takes what comes back from an upstream. Calls come from the event loop and must not block.

    The order is: any number of `on_informational`, then either `on_whole`, or `on_head`, any number of
    `on_data`, and `on_end`. `on_error` may come in place of any of them and is the last call; so are
    `on_whole` and `on_end`. After `abort()` nothing more is called.

    A head may be one that other answers share: it is never changed.
    """

    def on_informational(self, head: ResponseHead) -> None:
        """A 1xx answer, but for 101 (RFC 9110 section 15.2)."""

    def on_whole(self, head: ResponseHead, framing: Framing, body: bytes, trailers: Headers) -> None:
        """The whole answer, when it arrived at once: so that it can be passed on in one write."""

    def on_head(self, head: ResponseHead, framing: Framing) -> None:
        """The answer's head; its body follows. For 101 the raw bytes follow as data."""

    def on_data(self, data: bytes) -> None:
        """A piece of the body, free of its chunked framing."""

    def on_end(self, trailers: Headers) -> None:
        """The answer is complete."""

    def on_error(self, error: UpstreamError) -> None:
        """There will be no complete answer."""

    def pause_writing(self) -> None:
        """The upstream takes no more of the request's body for now."""

    def resume_writing(self) -> None:
        """The upstream takes the request's body (again). A streamed body begins with this call."""
