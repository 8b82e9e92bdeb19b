"""Reading an answer's head of the plainest shape at once; any other is for the full parser.

A server sends the same head again and again within a second. What follows from the bytes of a head alone is
worked out once and remembered: it is the same for the same bytes, whichever server sends them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.exchange import SharedHead
from gateway.fields import read_fields

MAX_HEAD = 2048
"""Bytes of a head that is remembered: with the number of them a bound on memory."""
MAX_HEADS = 1024

# RFC 9112 section 4. A 204 or a 304 is left out: whatever its headers say, it has no body.
_LINE = re.compile(rb"HTTP/1\.1 ((?!204|304)[2-5][0-9][0-9]) ([\t -~\x80-\xff]*)\r\n")
_LENGTH = re.compile(rb"[0-9]{1,15}\Z")
# Each of these asks for more than a plain answer.
_SPECIAL = frozenset({b"transfer-encoding", b"upgrade", b"proxy-connection"})


@dataclass(slots=True, frozen=True, eq=False)
class PlainHead:
    """A head that says how long its body is, after which the connection lives on."""

    head: SharedHead
    length: int
    """Bytes of the body that follows."""


def read_plain(data: bytes) -> tuple[PlainHead, bytes] | None:
    """The plain head that `data` begins with, and what came behind it."""
    end = data.find(b"\r\n\r\n") + 4
    plain = read_head(data[:end]) if end <= MAX_HEAD else None
    return None if plain is None else (plain, data[end:])


@lru_cache(maxsize=MAX_HEADS)
def read_head(data: bytes) -> PlainHead | None:
    """What a head says; None where it is not plain, or not sound: then the full parser judges."""
    line = _LINE.match(data)
    # The parser leaves white space before a line's end where it is.
    if line is None or b" \r\n" in data or b"\t\r\n" in data:
        return None
    headers = read_fields(data[line.end() : -2])
    if headers is None:
        return None
    lengths = []
    for name, value in headers:
        lower = name.lower()
        if lower == b"content-length":
            lengths.append(value)
        elif lower in _SPECIAL or (lower == b"connection" and value.lower() != b"keep-alive"):
            return None
    if len(lengths) != 1 or not _LENGTH.match(lengths[0]):
        return None
    return PlainHead(SharedHead(int(line[1]), line[2], headers), int(lengths[0]))
