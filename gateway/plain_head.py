"""The head of an answer in the plainest shape: its lines can go to the caller as they came."""

from __future__ import annotations

from typing import Any

from gateway.exchange import Headers, ResponseHead
from gateway.fields import read_fields


class PlainHead(ResponseHead):
    """A head that all answers share that begin with the same bytes. Never changed: plugins get a copy."""

    __slots__ = ("length", "lines", "passing", "relayed")

    def __init__(self, status: int, reason: bytes, lines: bytes, length: int) -> None:
        """`lines` are sound, with one space behind each colon and none at a line's end."""
        self.status = status
        self.reason = reason
        self.version = (1, 1)
        self.lines = lines
        self.length = length
        """Bytes of the body."""
        self.relayed: tuple[bytes, bytes] | None = None
        """What it becomes on its way to a caller who stays, once that is worked out: what goes before the
        headers that plugins add, and what goes behind (`gateway.proxy.relay`)."""
        self.passing: Headers | None = None
        """The headers that go to a caller, once they are worked out. Not to be changed."""

    def __getattr__(self, name: str) -> Any:
        """The headers: read when somebody first asks for them, which most routes do not."""
        if name != "headers":
            raise AttributeError(name)
        headers = read_fields(self.lines)
        if headers is None:
            raise ValueError("not the lines of a plain head")
        self.headers = headers
        return headers
