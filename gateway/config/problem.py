"""What can be wrong with a gateway.yaml, said so that a person finds it: the place, the key, the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from gateway.errors import GatepostError

KeyPath = tuple[str | int, ...]
"""The keys and list positions from the file's root to a value: `("routes", 0, "upstream")`."""

PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
SHOWN_KEY = 64
"""Of a key that is no ordinary word, so many characters are shown."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in the file, counted from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, before it is known which file it stands in."""

    place: Place
    path: KeyPath
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the file. No secret and no environment value is in it."""

    file: str
    line: int
    column: int
    key: str
    """The key's path, as `routes[0].upstream`; empty where the whole file is meant."""
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        return where + (f"{self.key}: {self.text}" if self.key else self.text)


class ConfigurationError(GatepostError):
    """The file can't be used. `problems` holds everything that is wrong with it, in the file's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def problems_of(file: str, faults: Iterable[Fault]) -> list[Problem]:
    """The faults of one file, sorted by their places; the same one is not said twice."""
    ordered = sorted(dict.fromkeys(faults), key=lambda fault: fault.place)
    return [
        Problem(file, fault.place.line, fault.place.column, show(fault.path), fault.text) for fault in ordered
    ]


def show(path: KeyPath) -> str:
    """A path as a person reads it: `clients[1].secrets[0]`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            # In JSON's spelling: no line break or escape sequence reaches a terminal.
            shown += f"[{json.dumps(part[:SHOWN_KEY])}]"
    return shown


def suggest(wrong: object, right: Iterable[str]) -> str:
    """` (did you mean …?)` where one of `right` is close to what was written, else nothing."""
    folded = {name.lower(): name for name in right}
    if not isinstance(wrong, str) or len(wrong) > SHOWN_KEY or wrong in folded.values():
        return ""
    close = get_close_matches(wrong.lower(), folded, n=1, cutoff=0.6)
    return did_you_mean(folded[close[0]]) if close else ""


def did_you_mean(name: str) -> str:
    """The suggestion, as it follows a problem's text."""
    return f" (did you mean {name}?)"
