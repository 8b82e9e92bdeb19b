"""A response head of the simplest shape: its lines can go to the client as they came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.http.exchange import URL_HEADERS, ResponseHead, is_event_stream
from gateway.http.header_fields import parse_header_lines

_URL_HEADER = re.compile(
    rb"^(?:" + b"|".join(map(re.escape, sorted(URL_HEADERS))) + rb"):", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class RenderedHead:
    """What a head becomes on its way to clients (`gateway.proxy.response_rendering`)."""

    hooks: Sequence[Any]
    """Those that have changed it (`gateway.proxy.head_only_hooks`)."""
    status: int
    start: bytes
    """What goes before the headers that plugins add."""
    end: bytes
    """What goes behind them, on a connection that is kept."""


class CachedResponseHead(ResponseHead):
    """A head that all answers share that begin with the same bytes. Never changed: plugins get a copy."""

    __slots__ = ("has_urls", "is_event_stream", "length", "lines", "passing", "way")

    def __init__(self, status: int, reason: bytes, lines: bytes, length: int | None) -> None:
        """`lines` are sound, with one space behind each colon and none at a line's end."""
        super().__init__(status, reason, [])
        del self.headers  # `__getattr__` reads them when they are first asked for
        self.lines = lines
        # Worked out once, and an attribute: each response asks.
        self.has_urls = _URL_HEADER.search(lines) is not None  # type: ignore[misc]  # elsewhere a property
        self.length = length
        """Bytes of the body; None: it is chunked."""
        self.way: RenderedHead | None = None
        """What it became the last time."""
        self.passing: tuple[Sequence[Any], ResponseHead] | None = None
        """The hooks that changed it then, and what goes to a client after them. Not to be changed."""

    def __getattr__(self, name: str) -> Any:
        """What is worked out when somebody first asks for it, which most routes do not."""
        if name == "is_event_stream":
            found = self.is_event_stream = is_event_stream(self.headers)  # type: ignore[misc]  # as above
            return found
        if name != "headers":
            raise AttributeError(name)
        headers = parse_header_lines(self.lines)
        if headers is None:
            raise ValueError("not the lines of a plain head")
        self.headers = headers
        return headers
