"""A person: a resource owner (RFC 6749 section 1.1), and a developer who uses the portal."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.oauth.roles import Role, allows

SOURCES = ("file:", "store:")
"""What the ids of people begin with."""


def is_person(owner: str) -> bool:
    """Whether an id is of a person: not of a team, nor of a client."""
    return owner.startswith(SOURCES)


@dataclass(slots=True, frozen=True)
class UserIdentity:
    """What refers to a person. A name may be given to somebody else later; an id never is."""

    id: str
    """`file:` or `store:`, by where the user is registered, and random characters; or a digest of issuer and
    subject, where another issuer signs the user in.
    """
    name: str
    """Only for people to read."""
    generation: str
    """Moves when the password or the name changes. Tokens and sessions of an earlier one have ended."""


@dataclass(slots=True, frozen=True)
class User:
    """Somebody with a name, and a password unless another issuer signs them in."""

    name: str
    password: str = field(repr=False)
    """Its argon2 hash; for a user of the file, it may be the password itself."""
    role: Role = "developer"
    """What they may do in the portal."""
    source: str = "file"
    """`file` (gateway.yaml, read-only) or `store`."""
    created: int = 0
    """Seconds since the epoch; 0 for users of the file."""
    id: str = ""
    """See `UserIdentity`. Empty: not known yet, and then the user owns nothing."""
    generation: str = ""
    """See `UserIdentity`."""
    blocked: bool = False
    """Whether an administrator has shut them out: no password of theirs is right."""

    pending: bool = False
    """Whether an administrator has yet to approve the account; until then nobody can sign in with it."""

    provider: str = ""
    """The issuer at which the person signs in, without a password here; empty: with a password."""

    @property
    def admin(self) -> bool:
        """Whether they see and change what is everybody's."""
        return allows(self.role, "manage_all")

    @property
    def key(self) -> str:
        """What the name is found by: upper and lower case make no difference."""
        return self.name.lower()

    @property
    def identity(self) -> UserIdentity:
        """What tokens and sessions refer to."""
        return UserIdentity(self.id, self.name, self.generation)

    @property
    def hashed(self) -> bool:
        """Whether `password` is a hash."""
        return self.password.startswith("$argon2")
