"""Whether a file is an image that browsers show: for the checks of keys that name one."""

from __future__ import annotations

from pathlib import Path

from gateway.config.checks.check import CheckContext
from gateway.config.images import IMAGE_TYPES


def image_problem(file: Path, context: CheckContext, largest: int) -> str | None:
    """What is wrong with the image in a file, of at most `largest` bytes; None: nothing."""
    if file.suffix.lower() not in IMAGE_TYPES:
        return f"must be a file that ends with {', '.join(IMAGE_TYPES)}"
    if not context.is_file(file):
        return "there is no such file"
    try:
        size = len(context.read(file))
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return None if 0 < size <= largest else f"must have 1 byte to {largest // 1024} KiB"
