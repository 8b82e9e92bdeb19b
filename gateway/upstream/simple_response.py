"""Reads the head of a response of the simplest form at once; any other is for the full parser.

A server often sends the same head again within a second: it is read once and cached. A head that is not
cached costs three regular expressions.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.http.cached_response_head import CachedResponseHead
from gateway.http.header_fields import NAME, VALUE
from gateway.runtime.caches import MIB, register
from gateway.runtime.recent_cache import RecentCache

MAX_HEAD: Final = 2048
"""Bytes of a head that is cached."""
MAX_HEADS: Final = 1024
_HEADS: Final = register(
    "response heads", __name__, entries=MAX_HEADS, key_bytes=MAX_HEAD, total_bytes=20 * MIB
)

# RFC 9112 sections 4 and 5, with one space behind each colon and none before the end of a line: so that the
# lines can go on as they are. A 204 or a 304 is left out: whatever its headers say, it has no body.
_STATUS_LINE: Final = rb"HTTP/1\.1 ((?!204|304)[2-5][0-9][0-9]) (" + VALUE + rb")\r\n"
_HEAD: Final = re.compile(_STATUS_LINE + rb"((?:" + NAME + rb": " + VALUE + rb"\r\n)*)\r\n")
# Headers that delimit the body or control the connection.
_FRAMING_HEADERS: Final = re.compile(
    rb"\r\n(content-length|connection|transfer-encoding|upgrade|proxy-connection):([^\r\n]*)", re.IGNORECASE
)
_LENGTH: Final = re.compile(rb" (?:0|[1-9][0-9]{0,14})\Z")
_CHUNKED: Final = b"chunked"
_END: Final = b"\r\n\r\n"
_MAX_LINES: Final = MAX_HEAD - len(_END)


def read_plain(data: bytes) -> tuple[CachedResponseHead, bytes] | None:
    """The simple head that `data` begins with, and what followed it."""
    lines, end, body = data.partition(_END)
    if not end or len(lines) > _MAX_LINES:
        return None
    plain = read_head.recent.get(lines) or read_head(lines)
    return None if plain is None else (plain, body)


def _read_head(lines: bytes) -> CachedResponseHead | None:
    """The parsed head, given without the end of its last line and the empty one behind it; None where it is
    not simple, or not valid: then the full parser decides.
    """
    data = lines + _END
    head = _HEAD.fullmatch(data)
    told = None if head is None else _told_length(data)
    if head is None or told is None:
        return None
    status, reason, fields = head.groups()
    return CachedResponseHead(int(status), reason, fields, None if told == _CHUNKED else int(told))


read_head = RecentCache(_HEADS, _read_head)
"""The same, cached."""


def _told_length(data: bytes) -> bytes | None:
    """The value of the only Content-Length, or `chunked`; None where any header needs the full parser."""
    told: bytes | None = None
    for found in _FRAMING_HEADERS.findall(data):
        name, value = found[0].lower(), found[1].lower()
        if name == b"connection" and value == b" keep-alive":
            continue
        if told is not None or not _delimits(name, value):
            return None
        told = value[1:]
    return told


def _delimits(name: bytes, value: bytes) -> bool:
    """Whether a header says in the plainest form how long the body is."""
    if name == b"content-length":
        return _LENGTH.match(value) is not None
    return name == b"transfer-encoding" and value == b" " + _CHUNKED
