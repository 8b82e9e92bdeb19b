"""When a key is published, signs, and is removed: by the store's clock alone, so alike on every gateway.

made ─────────── signs from ─────────────── the next one signs ─────────────── ends
 │    published      │   published, signs      │   published: its tokens live    │
 └── lead ───────────┘                         └── the longest lifetime ─────────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

CLOCK_MARGIN = 60
"""Seconds that a key stays published after the end of its last token: for clock differences and delays."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key with its times, in seconds since the epoch."""

    kid: str
    algorithm: str
    pem: str = field(repr=False)
    signs_from: int
    ends: int | None = None
    """When its last token ends; None while no other key follows it."""


Records = tuple[KeyRecord, ...]


class RotationRefused(Exception):  # noqa: N818 (it says what happened)
    """The keys can't be rotated now; the text says why."""


def published(records: Sequence[KeyRecord], now: float) -> Records:
    """The keys that tokens may be signed with, from before the first to after the last.

    Rotations under a clock that was set back and forth may give each key an end. The latest stays all the
    same: a new key in its place would make live tokens invalid.
    """
    live = tuple(record for record in records if record.ends is None or now < record.ends)
    return live or tuple(sorted(records, key=_signs_from)[-1:])


def signing(records: Sequence[KeyRecord], now: float) -> KeyRecord | None:
    """The key that signs: the latest whose time has come.

    Where all are in the future the clock was ahead and has been set back: then it is the first one. A new
    key in its place would make live tokens invalid.
    """
    candidates = published(records, now)
    ready = [record for record in candidates if record.signs_from <= now]
    if not ready:
        return min(candidates, key=_signs_from, default=None)
    return max(ready, key=_signs_from)


def _signs_from(record: KeyRecord) -> int:
    return record.signs_from


def waiting(records: Sequence[KeyRecord], now: float) -> KeyRecord | None:
    """The key that is published but does not sign yet."""
    current = signing(records, now)
    return next((record for record in records if record.signs_from > now and record is not current), None)


def first(new: KeyRecord, now: float) -> Records:
    """The very first key signs at once: no client has an older key set."""
    return (replace(new, signs_from=int(now)),)


def rotated(records: Sequence[KeyRecord], new: KeyRecord, now: float, *, lead: int, longest: int) -> Records:
    """The keys after `new` has been added, to sign `lead` seconds from now.

    `longest` is how long, in seconds, a token can live. Raises RotationRefused while a key waits. One that
    waits for longer than `lead` was added under a clock that was ahead: it signs in `lead` seconds, and `new`
    is not needed. No key goes whose tokens can still live.
    """
    if signing(records, now) is None:
        return first(new, now)
    pending = waiting(records, now)
    if pending is not None and pending.signs_from - now <= lead:
        left = int(pending.signs_from - now) + 1
        raise RotationRefused(f"a new key is published already, and signs in {left} seconds")
    start = int(now) + lead
    end = start + longest + CLOCK_MARGIN
    kept = [
        replace(
            record,
            signs_from=min(record.signs_from, int(now)),
            ends=end if record.ends is None else min(record.ends, end),
        )
        for record in published(records, now)
        if record is not pending
    ]
    return (*kept, replace(pending or new, signs_from=start))
