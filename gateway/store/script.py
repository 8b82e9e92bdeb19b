"""A Lua script that the server runs as one step: atomic, and one round trip."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1


@dataclass(slots=True, frozen=True)
class Script:
    """Its text, and the digest by which the server knows a script it has seen before."""

    name: str
    """What it does, for telemetry: `token.issue`."""
    source: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)
