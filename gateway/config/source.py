"""The configuration file as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gateway.config.problems import START, ConfigIssue, Place

MAX_FILE_SIZE = 16 * 1024**2
"""In bytes. A gateway.yaml with thousands of routes is smaller."""


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """What a configuration was loaded from: enough to load it again elsewhere. It may contain secrets."""

    file: str
    text: str
    variables: Mapping[str, str]
    """The environment variables that the texts refer to."""
    included: Sequence[tuple[str, str]] = ()
    """The files that `extends` and `include` name, in order: name and text."""
    found: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The names of the files that each name or pattern stood for."""

    def to_json(self) -> str:
        """The source as JSON, the same for equal sources."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ConfigSource:
        """Parses the output of `to_json`."""
        return cls(**json.loads(text))


class UnreadableFile(Exception):  # noqa: N818 (reads better than …Error)
    """The file can't be read; `issue` says why."""

    def __init__(self, text: str, place: Place = START) -> None:
        super().__init__(text)
        self.issue = ConfigIssue(place, (), text)


def read_text(file: Path) -> str:
    """Reads the file.

    Raises:
        UnreadableFile: it is missing, unreadable, too large or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UnreadableFile(f"can't be read: {reason or 'this is no file name'}") from error
    if len(content) > MAX_FILE_SIZE:
        raise UnreadableFile("is larger than 16 MiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").split("\n")
        raise UnreadableFile("is not UTF-8 from here on", Place(len(before), len(before[-1]) + 1)) from None
