"""Why requests were refused: facts that `gatepost why` tells later. Never a token, a secret or a query."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

PER_SECOND = 100
"""Refusals that a worker keeps between two `take`s; a flood of them must not become one of the store."""

MAX_TEXT = 500
"""Characters of a path or a reason that are kept."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The facts of one refused request."""

    request_id: str
    time: float
    """Seconds since the epoch."""
    method: str
    path: str
    """Without the query."""
    status: int
    code: str
    """The problem's code (`gateway.http.problems`), or an OAuth error code."""
    reason: str
    """In words, for operators: it may tell of addresses behind the gateway."""
    detail: str = ""
    """The same as the caller was told it."""
    route: str = ""
    """The route's path as configured; empty where no route took the request."""
    client: str = ""
    """Who was known to call; empty: nobody."""
    claimed: str = ""
    """The client that a refused authentication named."""
    grant: str = ""
    scopes_needed: tuple[str, ...] = ()
    scopes_had: tuple[str, ...] = ()
    audience_needed: str = ""
    configuration: str = ""
    """The configuration's hash."""

    def to_json(self) -> str:
        """One line of JSON, bounded in size."""
        # Not `dataclasses.asdict`, which copies each value: a worker writes a hundred a second in a flood.
        facts = {name: value for name in _NAMES if (value := getattr(self, name)) not in _EMPTY}
        for name in _BOUNDED:
            if name in facts:
                facts[name] = facts[name][:MAX_TEXT]
        return json.dumps(facts)

    @classmethod
    def from_json(cls, text: str | bytes) -> Refusal:
        """Parses the output of `to_json`. ValueError or TypeError if it is malformed."""
        facts: dict[str, Any] = json.loads(text)
        for name in ("scopes_needed", "scopes_had"):
            facts[name] = tuple(facts.get(name, ()))
        return cls(**{"method": "", "path": "", **facts})


_NAMES = tuple(field.name for field in fields(Refusal))
_BOUNDED = ("path", "reason", "detail", "method", "claimed")
_EMPTY: tuple[object, ...] = ("", ())


class RefusalBuffer:
    """The refusals of a worker that are not in the store yet."""

    __slots__ = ("_kept", "dropped")

    def __init__(self) -> None:
        self._kept: list[Refusal] = []
        self.dropped = 0
        """Refusals beyond `PER_SECOND`, since the start."""

    def has_room(self) -> bool:
        """Whether one more is kept. If not, it is counted: ask once for each."""
        if len(self._kept) < PER_SECOND:
            return True
        self.dropped += 1
        return False

    def keep(self, refusal: Refusal) -> None:
        """Keeps a refusal, where there is room."""
        self._kept.append(refusal)

    def take(self) -> list[Refusal]:
        """Hands over what is kept. Call it once a second or more rarely."""
        taken, self._kept = self._kept, []
        return taken
