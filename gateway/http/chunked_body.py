"""A chunked body that has arrived whole (RFC 9112 section 7.1)."""

from __future__ import annotations

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_LAST = re.compile(rb"0{1,8}\r\n\r\n")
MOST_CHUNKS = 64
"""With more of them, a parser that is written in C is faster."""


def content_of(data: bytes) -> bytes | None:
    """The content of a body in the plainest form: complete, with nothing behind it, without extensions of
    chunks and without trailers. None: it is not, or malformed, which is for a full parser to say.
    """
    pieces: list[bytes] = []
    place = 0
    for _ in range(MOST_CHUNKS):
        size = _SIZE.match(data, place)
        if size is None:
            return None
        start = size.end()
        length = int(size[1], 16)
        if length == 0:
            return b"".join(pieces) if _LAST.fullmatch(data, place) else None
        place = start + length + 2
        if data[place - 2 : place] != b"\r\n":
            return None
        pieces.append(data[start : place - 2])
    return None


def one_chunk(content: bytes) -> bytes:
    """The chunked body with this content."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content) if content else b"0\r\n\r\n"
