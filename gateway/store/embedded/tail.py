"""What a power cut can leave at the end of the append-only file."""

from __future__ import annotations

import os
from pathlib import Path

BLOCK = 65536


def cut_zeros(folder: Path) -> None:
    """Cuts zero bytes off the ends of the append-only files.

    A file system may have grown a file and not have written what belongs there. A whole command ends in
    CR LF, so zeros at the end are never part of one; the server itself cuts off the half command before
    them. Any other damage stays for a person to judge, as what is cut off may be a revocation.
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
        kept = os.pread(descriptor, end - start, start).rstrip(b"\0")
        if kept:
            return start + len(kept)
        end = start
    return 0
