"""A response head of the simplest shape: its lines can go to the client as they came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.http.exchange import URL_HEADERS, Headers, ResponseHead
from gateway.http.header_fields import parse_header_lines

_URL_HEADER = re.compile(
    rb"^(?:" + b"|".join(map(re.escape, sorted(URL_HEADERS))) + rb"):", re.IGNORECASE | re.MULTILINE
)

_HTTP_1_1 = (1, 1)


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

    __slots__ = ("_headers", "has_urls", "length", "lines", "passing", "way")

    def __init__(self, status: int, reason: bytes, lines: bytes, length: int | None) -> None:
        """`lines` are sound, with one space behind each colon and none at a line's end."""
        self.status, self.reason, self.version = status, reason, _HTTP_1_1
        self._headers: Headers | None = None
        self.lines = lines
        # Worked out once, and an attribute: each response asks.
        self.has_urls = _URL_HEADER.search(lines) is not None  # type: ignore[misc]  # elsewhere a property
        self.length = length
        """Bytes of the body; None: it is chunked."""
        self.way: RenderedHead | None = None
        """What it became the last time."""
        self.passing: tuple[Sequence[Any], ResponseHead] | None = None
        """The hooks that changed it then, and what goes to a client after them. Not to be changed."""

    # A property, and no `__getattr__`, with which each attribute would take ten times as long.
    @property
    def headers(self) -> Headers:  # type: ignore[override]  # never set: nobody changes it
        """Read from the lines when somebody first asks for them, which most routes do not."""
        headers = self._headers
        if headers is None:
            headers = self._headers = parse_header_lines(self.lines)
        if headers is None:
            raise ValueError("not the lines of a plain head")
        return headers
