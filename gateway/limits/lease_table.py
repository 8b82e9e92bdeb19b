"""All buckets of one worker, bounded: the least recently used ones are evicted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from gateway.limits.rate_bucket import RETIRED, PendingTake, RateBucket, Window, share_of
from gateway.runtime.caches import MIB, register
from gateway.store.limits import LeaseEntry, LeaseSettlement

MAX_SUBJECT_LENGTH = 320
"""Characters of a subject that is a key itself; a longer one is hashed."""
_BUCKETS = register(
    "buckets of limits", __name__, entries=20_000, key_bytes=MAX_SUBJECT_LENGTH, total_bytes=48 * MIB
)
IDLE_AFTER = 0.25
"""Seconds without a use after which a lease is returned."""
RENEW_AFTER = 1.5
"""Seconds after which a lease is renewed."""
SETTLE_DELAY = 0.1
"""Seconds until uses are settled where it is not urgent."""
MAX_BATCH = 256
DIGEST_BYTES = 12
NEVER = float("inf")


class LeaseTable:
    """Decides without I/O where it can, and collects what must be settled."""

    def __init__(self, most_keys: int = _BUCKETS.entries) -> None:
        self.workers = 1
        self.next = NEVER
        """The time of the next settlement."""
        self._most_keys = most_keys
        self._buckets: OrderedDict[tuple[str, str], RateBucket] = OrderedDict()
        self._by_key: dict[str, RateBucket] = {}
        self._due: dict[RateBucket, float] = {}
        self._holding: set[RateBucket] = set()

    def __len__(self) -> int:
        return len(self._buckets)

    def find(self, name: str, subject: str, window: Window, now: float) -> RateBucket:
        """The bucket of a subject under the limit of that name."""
        place = (name, subject if len(subject) <= MAX_SUBJECT_LENGTH else _digest(subject))
        bucket = self._buckets.get(place)
        if bucket is not None and bucket.window is window:
            self._buckets.move_to_end(place)
            return bucket
        key = limit_key(name, subject)
        if bucket is not None:
            self._retire(bucket, now)
        bucket = RateBucket(key, window, now)
        self._buckets[place] = self._by_key[key] = bucket
        if len(self._buckets) > self._most_keys:
            self._retire(self._buckets.popitem(last=False)[1], now)
        return bucket

    def _retire(self, bucket: RateBucket, now: float) -> None:
        """Evicts a bucket: its uses and lease go to the store with the next settlement."""
        bucket.state = RETIRED
        if self._by_key.get(bucket.key) is bucket:
            del self._by_key[bucket.key]
        if bucket.uses or bucket.lease:
            self._due[bucket] = now

    def take(self, bucket: RateBucket, now: float, *, away: bool) -> bool | None:
        """Takes one, if allowed. None: the store must decide (`wait`). `away`: the store is unreachable."""
        return self.take_leased(bucket, now) or self.take_unleased(bucket, now, away=away)

    def take_leased(self, bucket: RateBucket, now: float) -> bool:
        """Takes one from the lease, if there is any."""
        if not bucket.take(now):
            return False
        # Most requests come while a settlement is scheduled, and it is not urgent (`RateBucket.urgent`).
        if bucket not in self._due or 2 * bucket.lease <= bucket.peak or bucket.recalled or bucket.waiting:
            self.note(bucket, now, urgent=bucket.urgent)
        return True

    def take_unleased(self, bucket: RateBucket, now: float, *, away: bool) -> bool | None:
        """Takes one that is not leased, if allowed. None: the store must decide (`wait`). `away`: the store
        is unreachable.
        """
        if away:
            admitted = bucket.take_alone(now, share_of(bucket.window.limit, self.workers))
            if admitted:
                self.note(bucket, now, urgent=False)
            return admitted
        return False if bucket.refuses(now) else None

    def wait(self, bucket: RateBucket, pending: PendingTake, now: float) -> None:
        """Adds a request that waits for the store's decision."""
        bucket.waiting.append(pending)
        self.note(bucket, now, urgent=True)

    def put_back(self, bucket: RateBucket, now: float, taken_at: float) -> None:
        """Returns one that was taken at `taken_at`."""
        bucket.put_back(now, taken_at)
        self.note(bucket, now, urgent=False)

    def note(self, bucket: RateBucket, now: float, *, urgent: bool) -> None:
        """Schedules a settlement of the bucket."""
        due = self._due.get(bucket, NEVER)
        if due <= now:
            return
        when = now if urgent else now + min(SETTLE_DELAY, bucket.window.length / 20)
        if when < due:
            self._due[bucket] = when
            self.next = min(self.next, when)

    def batch(self, now: float) -> list[tuple[RateBucket, LeaseEntry]]:
        """The buckets to settle now. `settle` or `failed` must be called with them."""
        ready = [bucket for bucket, when in self._due.items() if when <= now + 0.01 and not bucket.asking]
        batch = []
        for bucket in ready[:MAX_BATCH]:
            del self._due[bucket]
            idle = bucket.touched + IDLE_AFTER <= now and not bucket.uses
            batch.append((bucket, bucket.entry(now, self.workers, idle=idle)))
        return batch

    def plan(self) -> None:
        """Recomputes the time of the next settlement."""
        self.next = min((when for bucket, when in self._due.items() if not bucket.asking), default=NEVER)

    def settle(
        self, batch: Iterable[tuple[RateBucket, LeaseEntry]], settled: LeaseSettlement, now: float
    ) -> None:
        """Applies the store's answer."""
        self.workers = max(1, settled.workers)
        for (bucket, _), outcome in zip(batch, settled.outcomes, strict=True):
            bucket.settle(outcome, now, self.workers)
            if bucket.lease or bucket.in_use:
                self._holding.add(bucket)
            else:
                self._holding.discard(bucket)
            if bucket.waiting or bucket.recalled or (bucket.state is RETIRED and bucket.lease):
                self._due[bucket] = now
            elif bucket.uses:  # taken by requests that waited for this
                self.note(bucket, now, urgent=False)

    def failed(self, batch: Iterable[tuple[RateBucket, LeaseEntry]], now: float) -> None:
        """Called where the store did not answer. Retired buckets are dropped."""
        for bucket, entry in batch:
            bucket.failed(entry, now, share_of(bucket.window.limit, self.workers))
            if bucket.state is not RETIRED:
                self._due[bucket] = now + SETTLE_DELAY

    def schedule_idle_and_expiring(self, now: float) -> None:
        """Schedules the return of idle leases, and the renewal of others before they expire."""
        for bucket in self._holding:
            idle = bucket.lease > 0 and bucket.touched + IDLE_AFTER <= now and self.workers > 1
            if idle or bucket.known is None or bucket.known + RENEW_AFTER <= now:
                self._due.setdefault(bucket, now)

    def give_all_back(self) -> None:
        """Retires all buckets: the worker is about to stop."""
        for bucket in (*self._holding, *self._due):
            bucket.state = RETIRED
            self._due[bucket] = 0.0

    def on_news(self, workers: int, news: list[tuple[str, int, bool]], now: float) -> None:
        """Applies published changes: the number of workers; of keys what is left, and recalls of leases."""
        if workers != self.workers:
            self.workers = max(1, workers)
            self._due.update((bucket, now) for bucket in self._holding)
        for key, left, recall in news:
            bucket = self._by_key.get(key)
            if bucket is None:
                continue
            bucket.on_news(left, recall=recall)
            if bucket.recalled or bucket.waiting:
                self.note(bucket, now, urgent=True)


def limit_key(name: str, subject: str) -> str:
    """What the store knows a subject by, under the limit of that name."""
    return _digest(f"{name}\0{subject}")


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=DIGEST_BYTES).hexdigest()
