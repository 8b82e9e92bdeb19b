"""Reads the file's text."""

from __future__ import annotations

from pathlib import Path

from gateway.config.problem import START, Fault, Place

LARGEST = 1024**2
"""Bytes. A gateway.yaml with thousands of routes is smaller."""


class Unusable(Exception):  # noqa: N818 (it says what the file is)
    """There is no text to read; `fault` says why."""

    def __init__(self, text: str, place: Place = START) -> None:
        super().__init__(text)
        self.fault = Fault(place, (), text)


def read_text(file: Path) -> str:
    """The file's text.

    Raises:
        Unusable: it is missing, can't be read, is too large or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Unusable(f"can't be read: {reason or 'this is no file name'}") from error
    if len(content) > LARGEST:
        raise Unusable("is larger than 1 MiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").split("\n")
        raise Unusable("is not UTF-8 from here on", Place(len(before), len(before[-1]) + 1)) from None
