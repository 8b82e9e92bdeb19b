"""Repairs the end of append-only files after a power failure."""

from __future__ import annotations

import os
from pathlib import Path

BLOCK = 65536


def truncate_zeros(folder: Path) -> None:
    """Truncates trailing zero bytes of append-only files.

    After a power failure a file may have grown without its data. Commands end in CR LF, so trailing zeros are
    never part of one; the server itself truncates the incomplete command before them. Other damage is left
    for the operator, as the lost data may include revocations.
    """
    for path in folder.glob("*.incr.aof"):
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            end = _end_without_zeros(file.fileno(), size)
            if end < size:
                file.truncate(end)


def _end_without_zeros(descriptor: int, end: int) -> int:
    while end > 0:
        start = max(0, end - BLOCK)
        content = os.pread(descriptor, end - start, start).rstrip(b"\0")
        if content:
            return start + len(content)
        end = start
    return 0
