"""The changes of a newly loaded gateway.yaml: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.runtime.give_way import giving_way


@dataclass(frozen=True, slots=True)
class DeclaredUser:
    """A user of the file."""

    name: str
    passwords: tuple[str, ...]
    """A digest of the password under each of the master keys, in their order."""


@dataclass(frozen=True, slots=True)
class FileUserRecord:
    """The stored record of a user of gateway.yaml."""

    id: str
    generation: str
    password: str
    """A digest of the password."""


@dataclass(frozen=True, slots=True)
class UserChanges:
    """Changes of the users of gateway.yaml, by name in lower case."""

    kept: Mapping[str, FileUserRecord]
    """All users of the file."""
    gone: Mapping[str, str]
    """The ids of removed users."""
    new: frozenset[str]
    """Those of `kept` that were not in the file before."""


@dataclass(frozen=True, slots=True)
class ClientChanges:
    """Changes of the clients of gateway.yaml, by id."""

    kept: Mapping[str, frozenset[str]]
    """The digests of the credentials of all that are in the file and enabled."""
    changed: Mapping[str, frozenset[str]]
    """Those of `kept` whose record is another one, or new."""
    gone: frozenset[str]
    ended: frozenset[str]
    """Those whose tokens end."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of a newly loaded file."""

    users: UserChanges
    clients: ClientChanges


def user_changes(
    before: Mapping[str, FileUserRecord],
    declared: Mapping[str, DeclaredUser],
    new_id: Callable[[], str],
    new_generation: Callable[[], str],
) -> UserChanges:
    """A user keeps the id while the name is in the file; a new password ends tokens and sessions."""
    kept: dict[str, FileUserRecord] = {}
    for name, user in declared.items():
        known = before.get(name)
        same_password = known is not None and known.password in user.passwords
        kept[name] = FileUserRecord(
            known.id if known is not None else new_id(),
            known.generation if known is not None and same_password else new_generation(),
            user.passwords[0],
        )
    gone = {name: user.id for name, user in before.items() if name not in declared}
    return UserChanges(kept, gone, frozenset(declared.keys() - before.keys()))


def client_changes(
    before: Mapping[str, frozenset[str]] | None, declared: Mapping[str, frozenset[str]]
) -> ClientChanges:
    """A client's tokens end when it is added, removed, or keeps none of its credentials.

    Also when it is added, since a gateway that still had the client may have issued tokens meanwhile.
    `before` is None where there were no records: the clients that are there then keep their tokens.
    """
    if before is None:
        return ClientChanges(declared, declared, frozenset(), frozenset())
    gone = {name for name in giving_way(before) if name not in declared}
    other, changed = set(), {}
    for name, own in giving_way(declared.items()):
        known = before.get(name)
        if known is None or own.isdisjoint(known):
            other.add(name)
        if own != known:
            changed[name] = own
    return ClientChanges(declared, changed, frozenset(gone), frozenset(gone | other))
