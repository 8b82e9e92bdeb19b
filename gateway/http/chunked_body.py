"""Chunked bodies in the plainest form (RFC 9112 section 7.1): chunks that have arrived whole."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_LAST: Final = re.compile(rb"0{1,8}\r\n\r\n")
MOST_CHUNKS: Final = 64
"""With more of them, a parser that is written in C is faster."""


def whole_chunks(data: bytes) -> tuple[bytes, bool] | None:
    """The content of the chunks that `data` is, and whether the body ends with them.

    None: it has a part of a chunk, an extension, a trailer or something behind the body, or is malformed,
    which is for a full parser to say.
    """
    size = _SIZE.match(data)
    if size is None:
        return None
    start, length = size.end(), int(size[1], 16)
    if length and start + length + 2 == len(data):
        # Most often there is one.
        return (data[start:-2], False) if data.endswith(b"\r\n") else None
    return _several_chunks(data)


def _several_chunks(data: bytes) -> tuple[bytes, bool] | None:
    pieces: list[bytes] = []
    place, end = 0, len(data)
    for _ in range(MOST_CHUNKS):
        size = _SIZE.match(data, place)
        if size is None:
            return None
        start = size.end()
        length = int(size[1], 16)
        if length == 0:
            return (b"".join(pieces), True) if _LAST.fullmatch(data, place) else None
        place = start + length + 2
        if data[place - 2 : place] != b"\r\n":
            return None
        pieces.append(data[start : place - 2])
        if place == end:
            return b"".join(pieces), False
    return None


def content_of(data: bytes) -> bytes | None:
    """The content of a body that `data` is, from its first chunk to its end. None: as for `whole_chunks`."""
    found = whole_chunks(data)
    return found[0] if found is not None and found[1] else None


def one_chunk(content: bytes) -> bytes:
    """The chunked body with this content."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content) if content else b"0\r\n\r\n"
