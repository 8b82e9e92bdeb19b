"""What one worker knows and may do of one limited key. Decides without I/O; time is an argument.

A worker may use what it has on loan from the store, and a little credit: a part of what the store said is
left, small enough that all workers together stay within the limit. Both are settled in the background.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store.limits import Entry, Outcome

SLOTS = 100
"""Slots of a sliding window: what was used counts for at most one slot longer than the window is."""
CAUTION = 4
"""A worker's credit is at most this fraction of its fair share of what was left."""
ASK_AGAIN = 0.05
"""Seconds until a worker asks again while others have on loan what it lacks."""
LONGEST_WAIT = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """What is limited, and how it is counted."""

    limit: int
    length: float
    """Seconds."""
    slots: int = SLOTS
    """1: a fixed period, whose key ends with it."""
    returns: bool = False
    """What was taken comes back: requests at the same time, not requests in a time."""

    def slot(self, now: float) -> int:
        """The slot of a time."""
        return 0 if self.slots == 1 else int(now * self.slots / self.length)

    def low(self, now: float) -> int:
        """The first slot that still counts: never more than `limit` in any stretch of time that long."""
        return 0 if self.slots == 1 else int((now - self.length) * self.slots / self.length)

    def frees(self, slot: int) -> float:
        """When what was used in a slot counts no more."""
        return (slot + 1) * self.length / self.slots + self.length


class Bucket:
    """One key of one worker."""

    __slots__ = (
        "asking", "credit", "gone", "kept", "key", "known", "lease", "left", "next_ask", "oldest", "on_trust",
        "peak", "recent", "told", "touched", "uses", "window",
    )  # fmt: skip

    def __init__(self, key: str, window: Window, credit: int, now: float) -> None:
        self.key = key
        self.window = window
        self.lease = 0
        """What it has on loan and has not used."""
        self.credit = credit
        """What it may use beyond that, on trust."""
        self.on_trust = 0
        """How much of the credit it has used that the store has not been told."""
        self.told = 0
        """As much of it as the store is just being told."""
        self.kept = 0
        """What it has taken that is to come back."""
        self.uses: dict[int, int] = {}
        """What it has used by slots, and the store has not been told."""
        self.left = window.limit
        """What nobody has used or on loan, as far as is known."""
        self.known: float | None = None
        """When the store was last heard of this key; None: never."""
        self.oldest: int | None = None
        """The oldest slot in which something was used."""
        self.asking = False
        """The store is being asked about it."""
        self.next_ask = now
        self.peak = credit
        """What it might use after the last settling: half of it gone is the sign to settle again."""
        self.recent = 0
        """What it has used since the last settling."""
        self.touched = now
        self.gone = False
        """Nobody will ask for it any more."""

    def take(self, now: float) -> bool:
        """Uses one, if it may."""
        self.touched = now
        if self.lease > 0:
            self.lease -= 1
        elif self.credit > 0:
            self.credit -= 1
            self.on_trust += 1
        else:
            return False
        self.note(now)
        return True

    def note(self, now: float) -> None:
        """Writes one use down."""
        self.recent += 1
        if self.window.returns:
            self.kept += 1
        else:
            slot = self.window.slot(now)
            self.uses[slot] = self.uses.get(slot, 0) + 1

    def put_back(self, now: float) -> None:
        """Undoes the last `take`, or returns what was to come back."""
        if self.window.returns:
            self.kept -= 1
        else:
            slot = self.window.slot(now)
            if self.uses.get(slot, 0) <= 0:
                return
            self.uses[slot] -= 1
        if self.on_trust > 0:
            self.on_trust -= 1
            self.credit += 1
        else:
            self.lease += 1

    def take_alone(self, now: float, share: int) -> bool:
        """Uses one while the store is away: no more than this worker's share of the limit in a window.

        What was known to be used up stays used up until the window that it was known in is over.
        """
        if self.known is not None and now < self.known + self.window.length:
            return False
        low = self.window.low(now)
        self.uses = {slot: count for slot, count in self.uses.items() if slot >= low and count}
        if self.kept + sum(self.uses.values()) >= share:
            return False
        self.touched = now
        self.on_trust += 1
        self.note(now)
        return True

    @property
    def urgent(self) -> bool:
        """Whether the store should be asked soon: nothing is known, or little is left to use."""
        return self.known is None or 2 * (self.lease + self.credit) <= self.peak

    @property
    def remaining(self) -> int:
        """What is left for all, as far as this worker knows."""
        return max(0, self.lease + self.left - self.on_trust - self.told)

    def resets(self, now: float) -> float:
        """Seconds until something more is left."""
        first, window = self.oldest, self.window
        for slot, count in self.uses.items():
            if count and (first is None or slot < first):
                first = slot
        if first is None:
            return window.length
        left = window.frees(first) - now
        return 0.0 if left < 0 else min(left, 2 * window.length)

    def entry(self, now: float, workers: int, *, idle: bool) -> Entry:
        """What is to be settled. It is no longer among `uses`; call `settle` or `failed` next."""
        target = self._target(workers, idle=idle)
        keep = min(self.lease, target)
        uses = tuple(number for item in self.uses.items() if item[1] for number in item)
        self.lease, self.uses, self.asking, self.recent = keep, {}, True, 0
        self.told, self.on_trust = self.on_trust, 0
        ttl = 2 * self.window.length + 1
        return Entry(
            self.key, self.window.limit, self.window.low(now), ttl, keep + self.kept, target - keep, uses
        )

    def _target(self, workers: int, *, idle: bool) -> int:
        """How much to have on loan: all of it where nobody else is there, else twice what was just used."""
        if self.gone or (idle and workers > 1):
            return 0
        if workers == 1:
            return self.window.limit
        if self.known is None:
            # Others may have begun with it at the same time, and the store has not heard of them yet.
            return 0
        if self.urgent:
            return min(self.window.limit, max(2 * self.recent, 1))
        return min(self.lease, 2 * self.recent)

    def settle(self, outcome: Outcome, now: float, workers: int) -> None:
        """Takes what the store has said."""
        self.asking = False
        first, self.known = self.known is None, now
        self.left, self.oldest = outcome.left, outcome.first
        # What was used on trust meanwhile is taken out of what has come.
        owed = self.lease + outcome.grant - self.on_trust
        self.lease, self.on_trust, self.told = max(0, owed), max(0, -owed), 0
        if first and workers > 1:
            self.credit = min(self.credit, max(0, outcome.left) // workers)
        else:
            self.credit = max(0, credit_of(outcome.left, workers) + min(0, owed))
        self.peak = self.lease + self.credit
        self.next_ask = now if self.peak else self._worth_asking(outcome, now)

    def _worth_asking(self, outcome: Outcome, now: float) -> float:
        if outcome.held or self.window.returns or outcome.left > 0:
            return now + ASK_AGAIN
        if outcome.first is None or self.window.slots == 1:
            return now + LONGEST_WAIT
        return min(max(self.window.frees(outcome.first), now), now + LONGEST_WAIT)

    def failed(self, entry: Entry) -> None:
        """The store did not answer: what it was told may or may not have arrived, and so counts again."""
        self.asking = False
        self.on_trust, self.told = self.on_trust + self.told, 0
        for slot, count in zip(entry.uses[::2], entry.uses[1::2], strict=True):
            self.uses[slot] = self.uses.get(slot, 0) + count

    def hear(self, left: int, workers: int, now: float) -> None:
        """News of how much is left of it."""
        if self.asking:
            return  # The answer that is on its way says more.
        self.left = left
        self.credit = min(self.credit, credit_of(left, workers))
        if left > 0:
            self.next_ask = min(self.next_ask, now)


def credit_of(left: int, workers: int) -> int:
    """What a worker may use on trust where so much was left: all of them together less than that."""
    if workers == 1 or left < workers:
        return 0
    return max(1, left // (CAUTION * workers))


def share_of(limit: int, workers: int) -> int:
    """A worker's fair share of a limit."""
    return max(1, limit // workers)
