"""The interface that receives an upstream's response, and the ways in which a response can end."""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamError

CONTINUE: Final = ResponseHead(100, b"Continue", [])
"""Not to be changed, as every head."""


class UpstreamFraming(Enum):
    """How a response body is delimited (RFC 9112 section 6.3)."""

    NONE = "none"
    """There is no body, whatever the headers say: response to HEAD, 204, 304."""
    LENGTH = "length"
    """Content-Length bytes."""
    CHUNKED = "chunked"
    CLOSE = "close"
    """The body ends where the connection is closed."""
    UPGRADE = "upgrade"
    """101: from here on, bytes of another protocol, both ways."""


class ResponseHandler(Protocol):
    """Receives an upstream's response. Calls come from the event loop and must not block.

    The order is: any number of `on_informational`, then either `on_whole`, or `on_head`, any number of
    `on_data`, and `on_end`. `on_error` may come in place of any of them and is the last call; so are
    `on_whole` and `on_end`. After `abort()` nothing more is called.

    A head may be shared with other responses: it must not be changed.
    """

    def on_informational(self, head: ResponseHead) -> None:
        """A 1xx response other than 101 (RFC 9110 section 15.2)."""

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """The complete response, if it arrived at once: it can be passed on in one write."""

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """The response's head; its body follows. After 101, raw bytes follow as data."""

    def on_data(self, data: bytes) -> None:
        """A piece of the body, without chunked framing. In a tunnel, an empty one: the upstream has sent its
        last byte, and still reads.
        """

    def on_end(self, trailers: Headers) -> None:
        """The response is complete."""

    def on_error(self, error: UpstreamError) -> None:
        """There will be no complete response."""

    def pause_writing(self) -> None:
        """The upstream takes no more of the request's body for now."""

    def resume_writing(self) -> None:
        """The upstream takes the request's body (again). A streamed body begins with this call."""
