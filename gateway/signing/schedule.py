"""When a key is published, signs, and goes: decided from the clock alone, alike on every gateway.

made ─────────── signs from ─────────────── the next one signs ─────────────── ends
 │    published      │   published, signs      │   published: its tokens live    │
 └── lead ───────────┘                         └── the longest lifetime ─────────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

MARGIN = 60
"""Seconds that a key stays published beyond its last token: clocks differ, and changes take their time."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key and its life, in seconds since the epoch."""

    kid: str
    algorithm: str
    pem: str = field(repr=False)
    signs_from: int
    ends: int | None = None
    """When its last token has ended; None while no other key is to follow it."""


Records = tuple[KeyRecord, ...]


class RotationRefused(Exception):  # noqa: N818 (it says what happened)
    """The keys can't be rotated now; the text says why."""


def published(records: Sequence[KeyRecord], now: float) -> Records:
    """The keys that tokens may be signed with, from before the first to after the last."""
    return tuple(record for record in records if record.ends is None or now < record.ends)


def signing(records: Sequence[KeyRecord], now: float) -> KeyRecord | None:
    """The key that signs: the latest whose time has come."""
    ready = [record for record in published(records, now) if record.signs_from <= now]
    return max(ready, key=lambda record: record.signs_from, default=None)


def waiting(records: Sequence[KeyRecord], now: float) -> KeyRecord | None:
    """The key that is published but does not sign yet."""
    return next((record for record in records if record.signs_from > now), None)


def first(new: KeyRecord, now: float) -> Records:
    """The first key of all signs at once: nobody can know an older set."""
    return (replace(new, signs_from=int(now)),)


def rotated(records: Sequence[KeyRecord], new: KeyRecord, now: float, *, lead: int, longest: int) -> Records:
    """The keys after `new` has been added, to sign `lead` seconds from now.

    `longest` is how long, in seconds, a token can live. Raises RotationRefused while a key waits.
    """
    if signing(records, now) is None:
        return first(new, now)
    pending = waiting(records, now)
    if pending is not None:
        left = int(pending.signs_from - now) + 1
        raise RotationRefused(f"a new key is published already, and signs in {left} seconds")
    start = int(now) + lead
    end = start + longest + MARGIN
    kept = [
        record if record.ends is not None else replace(record, ends=end) for record in published(records, now)
    ]
    return (*kept, replace(new, signs_from=start))
