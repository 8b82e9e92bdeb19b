"""Which bytes of a connection belong to the request that aiohttp has, and which come after it.

So aiohttp gets one request at a time, and the connection knows when the next may go to the fast path.
"""

from __future__ import annotations

from typing import Final

from gateway.http.head_limits import RequestHeadLimits
from gateway.http.message_length import HEAD_END, body_length, find_head_end

HEAD_LIMIT: Final = 65_536
"""Bytes of a head that are kept to find its end, at least."""
_LINE_OVERHEAD: Final = 64
"""Bytes of a header line beside name and value: colon, white space, line break."""


def head_limit(limits: RequestHeadLimits) -> int:
    """Bytes of a head that are kept to find its end: more than any head that is let through."""
    return max(HEAD_LIMIT, limits.target + limits.head + limits.headers * _LINE_OVERHEAD)


class RequestSplitter:
    """Follows one request after the other through the bytes that come."""

    __slots__ = ("_end", "_head", "_left", "_limit")

    def __init__(self, limit: int = HEAD_LIMIT) -> None:
        self._limit = limit
        self._head: bytes | None = b""
        """What has come of a head; None: it is whole, or its end is not looked for any more."""
        self._left: int | None = 0
        """Bytes of the body still to come; None: only the parser knows where it ends."""
        self._end = b""
        """The last bytes that came, where only the parser knows."""

    def begin(self) -> None:
        """The next byte is the first of a request."""
        self._head, self._left, self._end = b"", 0, b""

    def request_started(self) -> None:
        """The parser has found a whole head. Where none was found here, only the parser knows the rest."""
        if self._head is not None:
            self._only_the_parser_knows(self._head)

    def take(self, data: bytes) -> int:
        """How many of these bytes belong to the request; what is behind them comes after it."""
        if self._head is not None:
            return self._share_of_head(data)
        if self._left is None:
            self._end = (self._end + data[-4:])[-4:]
            return len(data)
        body = min(self._left, len(data))
        self._left -= body
        return body

    def complete(self, *, parsed: bool) -> bool:
        """Whether the request has come to its last byte, and the next would be that of another.

        Args:
            parsed: the parser has found its end and nothing behind it.
        """
        if self._left is not None:
            return self._head is None and not self._left
        # Bytes behind it that end like this were a head. The parser would have found another request.
        return parsed and self._end == HEAD_END

    def _share_of_head(self, data: bytes) -> int:
        seen = self._head or b""
        head = seen + data
        end = find_head_end(head, len(seen))
        if end < 0:
            if len(head) <= self._limit:
                self._head = head
            else:
                self._only_the_parser_knows(data)
            return len(data)
        self._head = None
        self._left = body_length(head[:end])
        place = end - len(seen)
        if self._left is None:
            self._only_the_parser_knows(data)
            return len(data)
        return place + self.take(data[place:])

    def _only_the_parser_knows(self, data: bytes) -> None:
        self._head = self._left = None
        self._end = data[-4:]
