"""What is asked of a contender, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

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
    raw: str | None = None
    """The request as it is written, in place of what stands above."""
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
    made: Callable[[], str] | None = None
    """Makes a request as it is written, in place of what stands above but `url`: each can be sent once."""

    def text(self) -> str:
        """The request as it is written, with a body that is a text."""
        parts = urlsplit(self.url)
        lines = [f"{self.method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(str(self.body))}")
        return "\r\n".join(lines) + f"\r\n\r\n{self.body or ''}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run."""

    requests: int
    seconds: float
    p50: float
    """Seconds."""
    p99: float
    p999: float | None = None
    """The 99.9th percentile, where every request is measured from the moment at which it was due."""
    wrong: dict[str, int] = field(default_factory=dict)
    """Answers with another status, and broken connections, by kind."""

    worst: float | None = None
    """Seconds of the slowest, where every request is measured from the moment at which it was due."""
    late: float | None = None
    """By how many seconds the load itself kept requests back: the 99th percentile, where that is known."""
    late_most: float | None = None
    """The same, the 99.9th percentile."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def outcome(
    latencies: list[float], seconds: float, wrong: dict[str, int], *, since_due: bool = False
) -> Outcome:
    """What latencies come to. `since_due`: each begins when its request was due, not when it could be sent."""
    if not latencies:
        raise RuntimeError("not one answer came")
    ordered = sorted(latencies)
    half, most, nearly_all = (share(ordered, part) for part in (0.5, 0.99, 0.999))
    if not since_due:
        return Outcome(len(ordered), seconds, half, most, None, wrong)
    return Outcome(len(ordered), seconds, half, most, nearly_all, wrong, ordered[-1])


def share(ordered: Sequence[float], part: float) -> float:
    """The value below which that part of them lies."""
    return ordered[int(len(ordered) * part)]
