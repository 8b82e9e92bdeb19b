"""Configuration problems, reported with file, line, column, key and reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import GatepostError

KeyPath = tuple[str | int, ...]
"""The keys and list positions from the file's root to a value: `("routes", 0, "upstream")`."""

PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_SHOWN_KEY = 64
"""Unusual keys are truncated to this many characters."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    line: int
    column: int
    file: str = ""
    """The included file; empty: the main file."""

    def seen_from(self, other: Place) -> str:
        """Where it is, for a message at `other`: `on line 7`, or `in clients.yaml on line 7`."""
        line = f"on line {self.line}"
        return line if self.file == other.file else f"in {self.file or 'the main file'} {line}"


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """A problem at a place, before the file name is known."""

    place: Place
    path: KeyPath
    text: str


@dataclass(frozen=True, slots=True)
class ReportedProblem:
    """A problem of a file. It contains no secrets and no values from the environment."""

    file: str
    line: int
    column: int
    key: str
    """The key's path, such as `routes[0].upstream`; empty for the whole file."""
    text: str

    @property
    def place(self) -> str:
        """File, line and column."""
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        where = f"{self.place}: "
        return where + (f"{self.key}: {self.text}" if self.key else self.text)


class ConfigurationError(GatepostError):
    """The configuration is invalid. `problems` lists everything, in the order of the file."""

    def __init__(self, problems: Iterable[ReportedProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def problems_of(file: str, issues: Iterable[ConfigIssue]) -> list[ReportedProblem]:
    """The problems of a file and of those that it includes, sorted by place, without duplicates."""
    ordered = sorted(dict.fromkeys(issues), key=lambda issue: (issue.place.file, issue.place))
    return [
        ReportedProblem(
            issue.place.file or file, issue.place.line, issue.place.column, show(issue.path), issue.text
        )
        for issue in ordered
    ]


def show(path: KeyPath) -> str:
    """Formats a path, such as `clients[1].secrets[0]`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            # JSON escapes: no line break or terminal escape sequence gets through.
            shown += f"[{json.dumps(part[:MAX_SHOWN_KEY])}]"
    return shown


def suggest(invalid: object, valid: Iterable[str]) -> str:
    """` (did you mean …?)` if `invalid` is close to one of the `valid` names, else an empty string."""
    folded = {name.lower(): name for name in valid}
    if not isinstance(invalid, str) or len(invalid) > MAX_SHOWN_KEY or invalid in folded.values():
        return ""
    from difflib import get_close_matches  # noqa: PLC0415 (only where something is wrong)

    close = get_close_matches(invalid.lower(), folded, n=1, cutoff=0.6)
    return did_you_mean(folded[close[0]]) if close else ""


def did_you_mean(name: str) -> str:
    """The suggestion, appended to a problem's text."""
    return f" (did you mean {name}?)"
