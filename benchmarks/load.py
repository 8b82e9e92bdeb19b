"""What is asked of a contender, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOAD_CORE = 1
"""The core that the contenders do not use: the load's, the upstream's, and that of a store of its own."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked for, and how."""

    url: str
    headers: tuple[str, ...] = ()
    method: str = "GET"
    body: int | str = 0
    """Bytes of a body, or the body itself."""
    connections: int = 64
    close: bool = False
    """A new connection for each request."""
    wanted: int = 200
    """The status that every answer must have."""
    tokens: Path | None = None
    """A file with a token a line, in place of an `Authorization` header: each request has another."""
    first: int = 0
    """With which line of it to begin; at its end it begins anew."""
    at_random: bool = False
    """Lines are drawn, not taken in turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run."""

    requests: int
    seconds: float
    p50: float
    """Seconds."""
    p99: float
    wrong: dict[str, int] = field(default_factory=dict)
    """Answers with another status, and broken connections, by kind."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds
