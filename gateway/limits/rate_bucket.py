"""One limited key of one worker, which decides whether a request is admitted. No I/O; time is an argument.

A worker admits requests from its lease: a part of the limit that the store has reserved for it. Uses and new
leases are settled with the store in the background. Without a lease a request waits for the store's
decision: so none is refused while any worker has room, and the limit is never exceeded. States and events:

    state      | a request                    | store: granted | store: others hold some | store: none left
    -----------|------------------------------|----------------|-------------------------|-----------------
    UNKNOWN    | waits                        | LEASED         | DRAINED, waits on (1)   | EXHAUSTED
    LEASED     | admitted; the last: DRAINED  | LEASED         | LEASED                  | LEASED
    DRAINED    | waits                        | LEASED         | DRAINED, waits on (1)   | EXHAUSTED
    EXHAUSTED  | refused until `retry_at` (2) | LEASED         | DRAINED                 | EXHAUSTED
    RETIRED    |                              | RETIRED (3)    | RETIRED                 | RETIRED

`put_back` leads to LEASED. A published change with something left leads from EXHAUSTED to DRAINED.
(1) Unused leases of the other workers are recalled, and the store is asked again.
(2) Then DRAINED: it waits.
(3) The bucket was evicted: its lease and its uses go to the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import inf

from gateway.store.limits import LeaseEntry, LeaseOutcome

SLOTS = 100
"""Slots of a sliding window: a use counts for at most one slot longer than the window."""
RECHECK_INTERVAL = 0.05
"""Seconds until the only worker of a store asks again about concurrency limits."""
_ROUNDING = 1e-5
"""Seconds by which the limits of a slot may be wrong, and more."""
MAX_RECHECK_INTERVAL = 1.0
"""Maximum seconds until the store is asked again about an exhausted key."""


class BucketState(Enum):
    """See the table above."""

    UNKNOWN = "unknown"
    """The store has not answered yet."""
    LEASED = "leased"
    DRAINED = "drained"
    EXHAUSTED = "exhausted"
    RETIRED = "retired"


UNKNOWN, LEASED, DRAINED, EXHAUSTED, RETIRED = BucketState


@dataclass(frozen=True, slots=True)
class Window:
    """A limit and its window."""

    limit: int
    length: float
    """Seconds."""
    slots: int = SLOTS
    """1: a fixed period; its key expires with it."""
    returns: bool = False
    """A limit of concurrent requests, which are put back, not of requests in a time."""

    def slot(self, now: float) -> int:
        """The slot of a time."""
        return 0 if self.slots == 1 else int(now * self.slots / self.length)

    def low(self, now: float) -> int:
        """The first slot that still counts: never more than `limit` in any interval of this length."""
        return 0 if self.slots == 1 else int((now - self.length) * self.slots / self.length)

    def begins(self, slot: int) -> float:
        """When a slot begins; the only one of a fixed period has always begun, and never ends."""
        if self.slots == 1:
            return inf if slot else -inf
        return slot * self.length / self.slots

    def frees(self, slot: int) -> float:
        """When the uses of a slot expire."""
        return (slot + 1) * self.length / self.slots + self.length


@dataclass(frozen=True, slots=True)
class PendingTake:
    """A request that waits for the store's decision."""

    since: float
    """Its arrival by the store's time; not earlier."""
    decide: Callable[[float | None], None]
    """Called with the time at which it was admitted, or None."""


class RateBucket:
    """One key of one worker."""

    __slots__ = (
        "_frees", "_slot", "_slot_begins", "_slot_ends", "asking", "in_use", "key", "known", "lease", "left",
        "oldest", "peak", "recalled", "recent", "retry_at", "state", "touched", "uses", "waiting", "window",
    )  # fmt: skip

    def __init__(self, key: str, window: Window, now: float) -> None:
        self.key = key
        self.window = window
        self.state = UNKNOWN
        self.lease = 0
        """Reserved for this worker and unused."""
        self.in_use = 0
        """Taken and to be put back."""
        self.uses: dict[int, int] = {}
        """Uses by slot that are not settled yet."""
        self.waiting: deque[PendingTake] = deque()
        self.left = window.limit
        """The unused and unleased rest, as far as is known."""
        self.known: float | None = None
        """The time of the store's last answer for this key; None: never."""
        self.oldest: int | None = None
        """The oldest slot with uses."""
        self.asking = False
        """Whether a settlement is under way."""
        self.recalled = False
        """Whether another worker needs the unused lease."""
        self.retry_at = now
        self.peak = 0
        """The lease after the last settlement; it settles again when half of it is used."""
        self.recent = 0
        """Uses since the last settlement."""
        self.touched = now
        self._slot = 0
        self._slot_begins = self._slot_ends = now
        """The slot of the last use, and the time in which others are in it; none where `uses` has changed."""
        self._frees: float | None = None
        """When the oldest use expires; None: that must be looked for."""

    # Requests.

    def take(self, now: float) -> bool:
        """Takes one from the lease, if there is any."""
        self.touched = now
        if self.lease <= 0:
            return False
        self.lease -= 1
        if self.lease == 0 and self.state is LEASED:
            self.state = DRAINED
        self._note(now)
        return True

    def refuses(self, now: float) -> bool:
        """Whether the key is known to be exhausted."""
        if self.state is EXHAUSTED and now >= self.retry_at:
            self.state = DRAINED
        return self.state is EXHAUSTED

    def put_back(self, now: float, taken_at: float) -> None:
        """Returns one that was taken at `taken_at`: to a waiting request, or to the lease."""
        if self.window.returns:
            self.in_use -= 1
        else:
            slot = self.window.slot(taken_at)
            # Negative where the use has been settled.
            self.uses[slot] = self.uses.get(slot, 0) - 1
            self._forget_slot()
        self.lease += 1
        self._serve(now)
        if self.lease and self.state is not RETIRED:
            self.state = LEASED

    def take_alone(self, now: float, share: int) -> bool:
        """Takes one while the store is unreachable: at most this worker's share of the limit in a window.

        A limit that the store had counted stays exhausted until its window has passed.
        """
        if self.known is not None and now < self.known + self.window.length:
            return False
        low = self.window.low(now)
        self.uses = {slot: count for slot, count in self.uses.items() if slot >= low and count}
        self._forget_slot()
        if self.in_use + sum(self.uses.values()) >= share:
            return False
        self.touched = now
        self._note(now)
        return True

    def _note(self, now: float) -> None:
        self.recent += 1
        if self.window.returns:
            self.in_use += 1
            return
        # Most requests come in the same slot as the one before.
        if not self._slot_begins <= now < self._slot_ends:
            self._find_slot(now)
        self.uses[self._slot] += 1

    def _find_slot(self, now: float) -> None:
        self._slot = slot = self.window.slot(now)
        # Where floating-point numbers could differ, the slot is worked out anew.
        self._slot_begins = self.window.begins(slot) + _ROUNDING
        self._slot_ends = self.window.begins(slot + 1) - _ROUNDING
        self._frees = None
        self.uses.setdefault(slot, 0)

    def _forget_slot(self) -> None:
        self._slot_ends, self._frees = self._slot_begins, None

    def _serve(self, now: float) -> None:
        """Admits waiting requests from the lease."""
        while self.waiting and self.lease > 0:
            self.lease -= 1
            self._note(now)
            self.waiting.popleft().decide(now)

    # Values of the response headers.

    def remaining(self) -> int:
        """What is left of the limit, as far as this worker knows."""
        left = self.lease + self.left
        return left if left > 0 else 0

    def resets(self, now: float) -> float:
        """Seconds until uses expire."""
        frees, length = self._frees, self.window.length
        if frees is None:
            first = self._first_slot()
            if first is None:
                return length
            frees = self.window.frees(first)
            if min(self.uses.values(), default=1) > 0:
                # None of them is about to count that does not now.
                self._frees = frees
        left = frees - now
        if left < 0:
            return 0.0
        return left if left < 2 * length else 2 * length

    def _first_slot(self) -> int | None:
        first = self.oldest
        for slot, count in self.uses.items():
            if count > 0 and (first is None or slot < first):
                first = slot
        return first

    # Settlements with the store.

    @property
    def urgent(self) -> bool:
        """Whether to settle at once: a request waits, half of the lease is used, or the lease is recalled."""
        return bool(self.waiting) or self.recalled or 2 * self.lease <= self.peak

    def entry(self, now: float, workers: int, *, idle: bool) -> LeaseEntry:
        """The values to settle, removed from `uses`. `settle` or `failed` must follow."""
        target = self._target(workers, idle=idle)
        keep = min(self.lease, target)
        uses = tuple(number for item in self.uses.items() if item[1] for number in item)
        self.lease, self.uses, self.asking, self.recent, self.recalled = keep, {}, True, 0, False
        self._forget_slot()
        if not keep and self.state is LEASED:
            self.state = DRAINED
        return LeaseEntry(
            key=self.key,
            limit=self.window.limit,
            low=self.window.low(now),
            ttl=2 * self.window.length + 1,
            keep=keep,
            in_use=self.in_use,
            need=len(self.waiting),
            want=target - keep,
            at=now,
            uses=uses,
        )

    def _target(self, workers: int, *, idle: bool) -> int:
        """How much to lease: everything without other workers, else twice the recent uses."""
        if self.state is RETIRED or self.recalled or (idle and workers > 1):
            return 0
        if workers == 1:
            return self.window.limit
        expected = 2 * max(self.recent, len(self.waiting))
        return expected if self.urgent else min(self.lease, expected)

    def settle(self, outcome: LeaseOutcome, now: float, workers: int) -> None:
        """Applies the store's decision. Requests that still wait after this need another settlement."""
        self.asking = False
        self.known = now
        self.left, self.oldest = outcome.left, outcome.first
        self._frees = None
        self.lease += outcome.grant
        self._serve(now)
        self.peak = self.lease
        undecided: deque[PendingTake] = deque()
        while self.waiting:
            pending = self.waiting.popleft()
            if self._may_be_room(outcome, pending.since):
                undecided.append(pending)
            else:
                pending.decide(None)
        self.waiting = undecided
        if self.state is not RETIRED:
            self.state = self._state_after(outcome, now, workers)

    def _may_be_room(self, outcome: LeaseOutcome, since: float) -> bool:
        """Whether other workers can return leases, or could since a request came."""
        if outcome.left > 0 or outcome.held > 0:
            return True
        # Requests of others may have ended since their last settlement.
        return self.window.returns and outcome.stalest is not None and outcome.stalest < since

    def _state_after(self, outcome: LeaseOutcome, now: float, workers: int) -> BucketState:
        if self.lease:
            return LEASED
        others = workers > 1 and self.window.returns
        if self.waiting or outcome.left > 0 or outcome.held > 0 or others:
            return DRAINED
        self.retry_at = self._next_free(outcome, now)
        return EXHAUSTED

    def _next_free(self, outcome: LeaseOutcome, now: float) -> float:
        if self.window.returns:
            return now + RECHECK_INTERVAL
        if outcome.first is None or self.window.slots == 1:
            return now + MAX_RECHECK_INTERVAL
        return min(max(self.window.frees(outcome.first), now), now + MAX_RECHECK_INTERVAL)

    def failed(self, entry: LeaseEntry, now: float, share: int) -> None:
        """Called where the store did not answer: the uses may not have arrived, and are settled again."""
        self.asking = False
        for slot, count in zip(entry.uses[::2], entry.uses[1::2], strict=True):
            self.uses[slot] = self.uses.get(slot, 0) + count
        self._frees = None
        while self.waiting:
            self.waiting.popleft().decide(now if self.take_alone(now, share) else None)

    def on_news(self, left: int, *, recall: bool) -> None:
        """Applies a published change: what is left; `recall`: another worker needs the unused lease."""
        if recall and (self.lease or self.uses or self.window.returns):
            self.recalled = True
        if self.asking:
            return  # The outstanding answer is newer.
        self.left = left
        if left > 0 and self.state is EXHAUSTED:
            self.state = DRAINED


def share_of(limit: int, workers: int) -> int:
    """A worker's fair share of a limit."""
    return max(1, limit // workers)
