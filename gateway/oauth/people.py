"""A person: a resource owner (RFC 6749 section 1.1), and a developer who uses the portal."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, frozen=True)
class User:
    """Somebody with a name and a password."""

    name: str
    password: str = field(repr=False)
    """Its argon2 hash; for a user of the file, it may be the password itself."""
    admin: bool = False
    source: str = "file"
    """`file` (gateway.yaml, read-only) or `store`."""
    created: int = 0
    """Seconds since the epoch; 0 for users of the file."""

    @property
    def key(self) -> str:
        """What the name is found by: upper and lower case make no difference."""
        return self.name.lower()

    @property
    def hashed(self) -> bool:
        """Whether `password` is a hash."""
        return self.password.startswith("$argon2")
