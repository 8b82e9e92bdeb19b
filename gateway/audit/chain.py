"""Entries of the audit log and their chain. Pure: reading and writing files is elsewhere.

Each entry has the hash of the entry before it and one of its own, an HMAC-SHA-256 over all its other members.
Who changes, removes or inserts an entry breaks the chain from there on, and can't mend it without the key.
That entries at the end are missing can only be seen by who knows the last hash.

A file has one chain. In a log that several processes write to without a lock each has its own, which its
entries name.
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


def entry(event: AuditEvent, previous: str, key: bytes, chain: str | None = None) -> dict[str, Any]:
    """The entry of an event behind the one with the hash `previous`. `chain`: the name of its chain."""
    members = {
        "time": event.time,
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "before": event.before,
        "after": event.after,
        "previous": previous,
        **({} if chain is None else {"chain": chain}),
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


def logged_entry(line: bytes) -> bytes | None:
    """The entry in a line of the gateway's log or of syslog; None: it is about something else."""
    if line.startswith(b"{"):
        try:
            members = json.loads(line)
        except ValueError:
            return None
        is_audit = isinstance(members, dict) and members.get("logger") == "audit"
        return str(members["message"]).encode() if is_audit and "message" in members else None
    _, found, rest = line.partition(b" audit: {")
    return b"{" + rest if found else None


def broken(
    lines: Iterable[bytes | None], keys: Sequence[bytes], ends: dict[str, str] | None = None
) -> Iterator[BrokenChain]:
    """Every break of a chain, in the order of the lines. `keys`: any of them may have made an entry.

    Args:
        lines: With an entry each; None: a line of something else.
        keys: Of the chain.
        ends: The last hash of each chain, by its name; "" is that of a file. It is kept up to date, for the
            next file.
    """
    ends = {} if ends is None else ends
    for number, line in enumerate(lines, 1):
        if line is None:
            continue
        try:
            members = json.loads(line)
            own, before = members["hash"], members["previous"]
        except (ValueError, KeyError, TypeError):
            yield BrokenChain(number, "is not an entry")
            continue
        chain = str(members.get("chain", ""))
        if before != ends.get(chain, FIRST):
            begins = chain not in ends and (chain or number == 1)
            yield BrokenChain(number, _BEGINS_LATER if begins else _NO_SUCCESSOR)
        if not any(hmac.compare_digest(str(own), entry_hash(members, key)) for key in keys):
            yield BrokenChain(number, "was changed, or written with a key that is not in tokens.keys")
        ends[chain] = str(own)
