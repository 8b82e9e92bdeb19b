"""The rest of an answer whose head has told its length: bytes are counted, and need no parser."""

from __future__ import annotations

from gateway.exchange import Headers, ResponseHead
from gateway.plain_head import PlainHead
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.sink import Framing


class CountedBody:
    """Reads a body of known length. To be looked at as a `ResponseParser` is."""

    __slots__ = ("_body", "_left", "complete", "error", "head", "reusable")

    framing = Framing.LENGTH

    def __init__(self, head: PlainHead, body: bytes) -> None:
        self.head: ResponseHead = head
        self.complete = False
        self.reusable = True
        self.error: UpstreamBroken | None = None
        self._left = head.length
        self._body = b""
        self.feed(body)

    @property
    def trailers(self) -> Headers:
        """None: they come with chunks alone."""
        return []

    def feed(self, data: bytes) -> None:
        """Reads on."""
        if len(data) > self._left:
            # Bytes after the answer, which nobody asked for.
            data = data[: self._left]
            self.reusable = False
        self._body = self._body + data if self._body else data
        self._left -= len(data)
        self.complete = self._left == 0

    def finish(self) -> None:
        """The upstream closed its side: too early, unless all was there."""
        if not self.complete:
            self.error = UpstreamBroken("closed before the answer was complete")

    def take_body(self) -> bytes:
        """The content that has come since the last call."""
        body, self._body = self._body, b""
        return body

    def take_informational(self) -> list[ResponseHead]:
        """None: the head was a final one."""
        return []
