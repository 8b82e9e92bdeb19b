"""Where a request ends, as far as its head alone can tell."""

from __future__ import annotations

import re
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
_LINE_ENDS: Final = re.compile(rb"[\r\n]*+")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n")


def body_length(head: bytes) -> int | None:
    """How many bytes follow a whole head; None where it takes a parser to say.

    RFC 9112 section 6.3. It judges nothing: where there is any doubt, the answer is None.
    """
    lower = head.lower()
    if b"transfer-encoding" in lower:
        return None
    named = lower.count(b"content-length")
    if not named:
        return 0
    found = _LENGTH.search(lower)
    return int(found[1]) if found is not None and named == 1 else None


def find_head_end(data: bytes, seen: int = 0) -> int:
    """The index behind the head that `data` begins with, -1 where it is not whole.

    Args:
        data: a head, perhaps behind empty lines, which do not count (RFC 9112 section 2.2).
        seen: how many bytes were searched before.
    """
    empty = _LINE_ENDS.match(data)
    start = 0 if empty is None else empty.end()
    end = data.find(HEAD_END, max(start, seen - 3))
    return end + len(HEAD_END) if end >= 0 else -1
