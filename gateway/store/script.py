"""A Lua script that the server runs as one step: atomic, and one round trip."""

from __future__ import annotations

from collections.abc import Sequence
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

    def prepared(self, *args: str) -> PreparedScript:
        """The script with one key and arguments that never change."""
        before, behind = ("EVALSHA", self.digest, "1"), args
        head = b"*%d\r\n" % (len(before) + 1 + len(behind))
        rendered = head + bulks(before) + b"$%d\r\n%s\r\n" + bulks(behind)
        return PreparedScript(self, args, rendered)


@dataclass(slots=True, frozen=True)
class PreparedScript:
    """A script that is run often: what is sent to run it is rendered beforehand, but for its key."""

    script: Script
    args: tuple[str, ...]
    _rendered: bytes
    """With places for the length of the key, and for the key."""

    def words(self, key: str) -> tuple[str, ...]:
        """The command with this key."""
        return ("EVALSHA", self.script.digest, "1", key, *self.args)

    def render(self, key: bytes) -> bytes:
        """The same, as it goes over the wire."""
        return self._rendered % (len(key), key)


def bulks(words: Sequence[str]) -> bytes:
    """The words as they go over the wire, each `%` doubled: parts of what is formatted by `%`."""
    encoded = [word.encode() for word in words]
    return b"".join([b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]).replace(b"%", b"%%")
