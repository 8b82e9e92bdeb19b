"""Where an answer ends that a program of ours reads itself."""

from __future__ import annotations

import re

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def complete(answer: bytes) -> bool:
    """Whether an answer with a Content-Length is there."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])


def judged(answer: bytes) -> str | None:
    """What is wrong with an answer that should be 200, or nothing; None while it is not all there."""
    if not complete(answer):
        return None
    return "" if answer.startswith(b"HTTP/1.1 200 ") else "status"
