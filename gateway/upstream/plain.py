"""Reading an answer's head of the plainest shape at once; any other is for the full parser.

A server sends the same head again and again within a second: it is read once and remembered. So are others
for a while; they cost three regular expressions.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.fields import NAME, VALUE
from gateway.plain_head import PlainHead

MAX_HEAD = 2048
"""Bytes of a head that is remembered: with the number of them a bound on memory."""
MAX_HEADS = 1024

# RFC 9112 sections 4 and 5, with one space behind each colon and none before the end of a line: so that the
# lines can go on as they are. A 204 or a 304 is left out: whatever its headers say, it has no body.
_STATUS_LINE = rb"HTTP/1\.1 ((?!204|304)[2-5][0-9][0-9]) (" + VALUE + rb")\r\n"
_HEAD = re.compile(_STATUS_LINE + rb"((?:" + NAME + rb": " + VALUE + rb"\r\n)*)\r\n")
# What says where the answer ends, and what becomes of the connection.
_SPEAKING = re.compile(
    rb"\r\n(content-length|connection|transfer-encoding|upgrade|proxy-connection):([^\r\n]*)", re.IGNORECASE
)
_LENGTH = re.compile(rb" (?:0|[1-9][0-9]{0,14})\Z")


def read_plain(data: bytes) -> tuple[PlainHead, bytes] | None:
    """The plain head that `data` begins with, and what came behind it."""
    end = data.find(b"\r\n\r\n") + 4
    plain = read_head(data[:end]) if end <= MAX_HEAD else None
    return None if plain is None else (plain, data[end:])


@lru_cache(maxsize=MAX_HEADS)
def read_head(data: bytes) -> PlainHead | None:
    """What a head says; None where it is not plain, or not sound: then the full parser judges."""
    head = _HEAD.fullmatch(data)
    length = None if head is None else _plain_length(data)
    if head is None or length is None:
        return None
    status, reason, lines = head.groups()
    return PlainHead(int(status), reason, lines, length)


def _plain_length(data: bytes) -> int | None:
    """The length that is told, once; None where any header asks for more."""
    told: bytes | None = None
    for name, value in _SPEAKING.findall(data):
        lower = name.lower()
        if lower == b"content-length" and told is None:
            told = value
        elif lower != b"connection" or value.lower() != b" keep-alive":
            return None
    return int(told) if told is not None and _LENGTH.match(told) else None
