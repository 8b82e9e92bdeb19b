"""Answers that go to the caller as they came: what their heads become is worked out once."""

from __future__ import annotations

import re

from gateway.exchange import Headers, ResponseHead
from gateway.fields import field_lines
from gateway.plain_head import PlainHead
from gateway.proxy.framing import status_line
from gateway.proxy.headers import RESPONSE_DROPS, response_headers

_DROPPED = re.compile(
    rb"^(?:" + b"|".join(map(re.escape, sorted(RESPONSE_DROPS))) + rb"): [^\r\n]*\r\n",
    re.IGNORECASE | re.MULTILINE,
)


def relayed(head: PlainHead, added: Headers, *, keep_alive: bool) -> bytes:
    """The head for a caller who asked in HTTP/1.1, not with HEAD: the same bytes that `answer_head` makes.

    `added` is what plugins add.
    """
    way = head.relayed
    if way is None:
        # The Connection of a plain head names no other headers.
        start = status_line(head) + _DROPPED.sub(b"", head.lines)
        way = head.relayed = start, _end(head.length, keep_alive=True)
    end = way[1] if keep_alive else _end(head.length, keep_alive=False)
    return way[0] + field_lines(added) + end if added else way[0] + end


def shown(head: PlainHead, added: Headers) -> ResponseHead:
    """The head as plugins see it, who may change it: the same that `passing_head` makes."""
    passing = head.passing
    if passing is None:
        passing = head.passing = response_headers(head.headers)
    return ResponseHead(head.status, head.reason, passing + added, head.version)


def changed(head: PlainHead, seen: ResponseHead, *, keep_alive: bool) -> bytes:
    """What plugins have made of the head, for such a caller. How long the body is they don't say."""
    return status_line(seen) + field_lines(seen.headers) + _end(head.length, keep_alive=keep_alive)


def _end(length: int, *, keep_alive: bool) -> bytes:
    return b"Content-Length: %d\r\n%s\r\n" % (length, b"" if keep_alive else b"Connection: close\r\n")
