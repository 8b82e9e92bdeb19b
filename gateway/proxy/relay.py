"""Answers that go to the caller as they came: what their heads become is worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gateway.exchange import Headers, SharedHead
from gateway.fields import field_lines
from gateway.proxy.framing import Body, answer_framing, status_line
from gateway.proxy.headers import response_headers

MOST = 1024


@dataclass(slots=True, frozen=True)
class Relay:
    """An upstream's head on its way to a caller who asked in HTTP/1.1, not with HEAD."""

    start: bytes
    """The status line and the lines that pass."""
    framing: bytes
    """The line that says how the body ends, if there is one."""
    chunked: bool

    def head(self, added: Headers, *, keep_alive: bool) -> bytes:
        """The same bytes that `answer_head` makes, with the headers that plugins add."""
        close = b"" if keep_alive else b"Connection: close\r\n"
        return b"%s%s%s%s\r\n" % (self.start, field_lines(added) if added else b"", self.framing, close)


@lru_cache(maxsize=MOST)
def relay(head: SharedHead) -> Relay:
    """What a head becomes."""
    framing = answer_framing("GET", (1, 1), head)
    start = status_line(head) + field_lines(response_headers(head.headers))
    line = b"" if framing.header is None else b"%s: %s\r\n" % framing.header
    return Relay(start, line, framing.body is Body.CHUNKED)
