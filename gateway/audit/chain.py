"""Entries of the audit log and their chain. Pure: reading and writing files is elsewhere.

Each entry has the hash of the entry before it and one of its own, an HMAC-SHA-256 over all its other members.
Who changes, removes or inserts an entry breaks the chain from there on, and can't mend it without the key.
That entries at the end are missing can only be seen by who knows the last hash.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIRST = "0" * 64
"""What the first entry names as the hash before it."""

MEMBERS = ("time", "actor", "action", "target", "before", "after", "previous", "hash")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that was done."""

    time: str
    """RFC 3339, in UTC."""
    actor: str
    """Who did it, such as `user:ann`, `cli:root`, `gateway`."""
    action: str
    """What, such as `client.update`, `sign_in`."""
    target: str
    """To what: an id, or a name."""
    before: Mapping[str, Any] | None = None
    """What differed before, by name; never a secret."""
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """An entry that is not what was written."""

    line: int
    """From 1."""
    reason: str


def entry(event: AuditEvent, previous: str, key: bytes) -> dict[str, Any]:
    """The entry of an event behind the one with the hash `previous`."""
    members = {
        "time": event.time,
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "before": event.before,
        "after": event.after,
        "previous": previous,
    }
    return {**members, "hash": entry_hash(members, key)}


def entry_hash(members: Mapping[str, Any], key: bytes) -> str:
    """The hash of an entry: over its JSON with sorted names, without spaces, and without `hash`."""
    kept = {name: value for name, value in members.items() if name != "hash"}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(key, text.encode(), "sha256").hex()


_NO_SUCCESSOR = "does not follow the entry before it: entries were removed or inserted"
_BEGINS_LATER = (
    "follows an entry that is not here: it was removed, or is in a rotated file, to be named before"
)


def last_hash(line: bytes) -> str:
    """The hash of the last entry of a file; `FIRST` where the line is no entry, so that the break shows."""
    try:
        found = json.loads(line)["hash"]
    except (ValueError, KeyError, TypeError):
        return FIRST
    return found if isinstance(found, str) else FIRST


def broken(lines: Iterable[bytes], keys: Sequence[bytes], previous: str = FIRST) -> Iterator[BrokenChain]:
    """Every break of the chain, in the order of the lines. `keys`: any of them may have made an entry.

    `previous`: the last hash of the file before, if the log was rotated.
    """
    for number, line in enumerate(lines, 1):
        try:
            members = json.loads(line)
            own, before = members["hash"], members["previous"]
        except (ValueError, KeyError, TypeError):
            yield BrokenChain(number, "is not an entry")
            continue
        if before != previous:
            yield BrokenChain(number, _BEGINS_LATER if number == 1 and previous == FIRST else _NO_SUCCESSOR)
        if not any(hmac.compare_digest(str(own), entry_hash(members, key)) for key in keys):
            yield BrokenChain(number, "was changed, or written with a key that is not in tokens.keys")
        previous = str(own)
