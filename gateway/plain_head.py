"""The head of an answer in the plainest shape: its lines can go to the caller as they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.exchange import ResponseHead
from gateway.fields import read_fields


@dataclass(frozen=True, slots=True)
class Way:
    """What a head becomes on its way to callers (`gateway.proxy.relay`)."""

    hooks: Sequence[Any]
    """Those that have changed it (`gateway.proxy.by_head`)."""
    status: int
    start: bytes
    """What goes before the headers that plugins add."""
    end: bytes
    """What goes behind them, to a caller who stays."""


class PlainHead(ResponseHead):
    """A head that all answers share that begin with the same bytes. Never changed: plugins get a copy."""

    __slots__ = ("length", "lines", "passing", "way")

    def __init__(self, status: int, reason: bytes, lines: bytes, length: int) -> None:
        """`lines` are sound, with one space behind each colon and none at a line's end."""
        self.status = status
        self.reason = reason
        self.version = (1, 1)
        self.lines = lines
        self.length = length
        """Bytes of the body."""
        self.way: Way | None = None
        """What it became the last time."""
        self.passing: tuple[Sequence[Any], ResponseHead] | None = None
        """The hooks that changed it then, and what goes to a caller after them. Not to be changed."""

    def __getattr__(self, name: str) -> Any:
        """The headers: read when somebody first asks for them, which most routes do not."""
        if name != "headers":
            raise AttributeError(name)
        headers = read_fields(self.lines)
        if headers is None:
            raise ValueError("not the lines of a plain head")
        self.headers = headers
        return headers
