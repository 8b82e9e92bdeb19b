"""The body of a response with Content-Length: bytes are counted and need no parser."""

from __future__ import annotations

from typing import ClassVar

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.response_handler import UpstreamFraming


class ContentLengthBody:
    """Reads a body of known length. Has the same public fields as a `ResponseParser`."""

    __slots__ = ("_body", "_missing", "complete", "error", "head", "reusable")

    framing: ClassVar = UpstreamFraming.LENGTH

    def __init__(self, head: ResponseHead, length: int, body: bytes) -> None:
        """`body` is what has come of it."""
        self.head = head
        self.complete = False
        self.reusable = True
        self.error: UpstreamBroken | None = None
        self._missing = length
        self._body = b""
        self.feed(body)

    @property
    def trailers(self) -> Headers:
        """None: only chunked bodies have them."""
        return []

    def read_body(self, data: bytes) -> bytes:
        """Reads on. What has come of the content."""
        self.feed(data)
        return self.take_body()

    def feed(self, data: bytes) -> None:
        """Reads on."""
        if len(data) > self._missing:
            # Bytes after the response, which no request asked for.
            data = data[: self._missing]
            self.reusable = False
        self._body = self._body + data if self._body else data
        self._missing -= len(data)
        self.complete = self._missing == 0

    def finish(self) -> None:
        """The upstream has closed: too early, unless the body is complete."""
        if not self.complete:
            self.error = UpstreamBroken("closed by upstream before the response was complete")

    @property
    def has_body(self) -> bool:
        """Whether content has come that has not been taken."""
        return bool(self._body)

    def take_body(self) -> bytes:
        """The content that has come since the last call."""
        body, self._body = self._body, b""
        return body

    def take_informational(self) -> list[ResponseHead]:
        """None: the head was a final one."""
        return []
