"""Reads the head of a response of the simplest form at once; any other is for the full parser.

A server often sends the same head again within a second: it is read once and cached. A head that is not
cached costs three regular expressions.
"""

from __future__ import annotations

import re

from gateway.http.cached_response_head import CachedResponseHead
from gateway.http.header_fields import NAME, VALUE
from gateway.runtime.caches import MIB, cached_unchecked, register

MAX_HEAD = 2048
"""Bytes of a head that is cached."""
MAX_HEADS = 1024
_HEADS = register("response heads", __name__, entries=MAX_HEADS, key_bytes=MAX_HEAD, total_bytes=20 * MIB)

# RFC 9112 sections 4 and 5, with one space behind each colon and none before the end of a line: so that the
# lines can go on as they are. A 204 or a 304 is left out: whatever its headers say, it has no body.
_STATUS_LINE = rb"HTTP/1\.1 ((?!204|304)[2-5][0-9][0-9]) (" + VALUE + rb")\r\n"
_HEAD = re.compile(_STATUS_LINE + rb"((?:" + NAME + rb": " + VALUE + rb"\r\n)*)\r\n")
# Headers that delimit the body or control the connection.
_FRAMING_HEADERS = re.compile(
    rb"\r\n(content-length|connection|transfer-encoding|upgrade|proxy-connection):([^\r\n]*)", re.IGNORECASE
)
_LENGTH = re.compile(rb" (?:0|[1-9][0-9]{0,14})\Z")


def read_plain(data: bytes) -> tuple[CachedResponseHead, bytes] | None:
    """The simple head that `data` begins with, and what followed it."""
    end = data.find(b"\r\n\r\n") + 4
    plain = read_head(data[:end]) if end <= MAX_HEAD else None
    return None if plain is None else (plain, data[end:])


@cached_unchecked(_HEADS)
def read_head(data: bytes) -> CachedResponseHead | None:
    """The parsed head; None where it is not simple, or not valid: then the full parser decides."""
    head = _HEAD.fullmatch(data)
    length = None if head is None else _content_length(data)
    if head is None or length is None:
        return None
    status, reason, lines = head.groups()
    return CachedResponseHead(int(status), reason, lines, length)


def _content_length(data: bytes) -> int | None:
    """The value of the only Content-Length; None where any header needs the full parser."""
    told: bytes | None = None
    for name, value in _FRAMING_HEADERS.findall(data):
        lower = name.lower()
        if lower == b"content-length" and told is None:
            told = value
        elif lower != b"connection" or value.lower() != b" keep-alive":
            return None
    return int(told) if told is not None and _LENGTH.match(told) else None
