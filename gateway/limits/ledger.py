"""All limited keys of one worker, bounded: whoever makes keys up pushes out keys, not memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from gateway.limits.bucket import Bucket, Window, share_of
from gateway.store.limits import LEVELS, Entry, Settled

MOST_KEYS = 20_000
MOST_HEARD = 50_000
IDLE = 0.25
"""Seconds without a use after which what is on loan goes back."""
RENEW = 1.5
"""Seconds after which a loan is told anew."""
RELAXED = 0.1
"""Seconds until what was used is told where there is no hurry."""
MOST_AT_ONCE = 256
DIGEST_BYTES = 12
FEW = 5
"""What a worker that has just begun admits at once of a key that it knows nothing of."""
FAR = float("inf")


class Ledger:
    """Decides at once, and collects what is to be settled."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self.workers = 1
        self.next = FAR
        """When something is to be settled next."""
        self.began = -FAR
        """Since when it hears of what others use."""
        self._most_keys = most_keys
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._by_key: dict[str, Bucket] = {}
        self._heard: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._due: dict[Bucket, float] = {}
        self._holding: set[Bucket] = set()

    def __len__(self) -> int:
        return len(self._buckets)

    def find(self, name: str, subject: str, window: Window, now: float) -> Bucket:
        """The bucket of a subject under the limit of that name; a new one knows what was heard of it."""
        place = (name, subject)
        bucket = self._buckets.get(place)
        if bucket is not None and bucket.window is window:
            self._buckets.move_to_end(place)
            return bucket
        key = blake2b(f"{name}\0{subject}".encode("utf-8", "replace"), digest_size=DIGEST_BYTES).hexdigest()
        if bucket is not None:
            self._leave(bucket, now)
        bucket = Bucket(key, window, self._first_credit(key, window, now), now)
        self._buckets[place] = self._by_key[key] = bucket
        if len(self._buckets) > self._most_keys:
            self._leave(self._buckets.popitem(last=False)[1], now)
        return bucket

    def _leave(self, bucket: Bucket, now: float) -> None:
        """Nobody will ask for it any more: what it has goes to the store with the next settling."""
        bucket.gone = True
        if self._by_key.get(bucket.key) is bucket:
            del self._by_key[bucket.key]
        if bucket.uses or bucket.lease:
            self._due[bucket] = now

    def _first_credit(self, key: str, window: Window, now: float) -> int:
        """A key that others have used is judged by what was heard of it; one never heard of is fresh."""
        heard = self._heard.get(key)
        if heard is None or now > heard[1] + window.length:
            share = share_of(window.limit, self.workers)
            if now >= self.began + window.length:
                return share
            # It may have been used before this worker began to listen.
            return min(share, max(FEW, share // 10))
        # It is published when it passes a level: so much may be gone since.
        unseen = window.limit // LEVELS if window.limit > LEVELS else 0
        return max(0, heard[0] - unseen) // self.workers

    def take(self, bucket: Bucket, now: float, *, away: bool) -> bool:
        """Uses one, if it may; `away`: the store can't be reached."""
        admitted = bucket.take(now)
        if not admitted and away:
            admitted = bucket.take_alone(now, share_of(bucket.window.limit, self.workers))
        if admitted or (now >= bucket.next_ask and not bucket.asking):
            self.note(bucket, now, urgent=bucket.urgent or not admitted)
        return admitted

    def note(self, bucket: Bucket, now: float, *, urgent: bool) -> None:
        """The bucket is to be settled."""
        due = self._due.get(bucket, FAR)
        if due <= now:
            return
        when = now if urgent else now + min(RELAXED, bucket.window.length / 20)
        if when < due:
            self._due[bucket] = when
            self.next = min(self.next, when)

    def batch(self, now: float) -> list[tuple[Bucket, Entry]]:
        """What is to be settled now. Each must come back in `settle` or `failed`."""
        ready = [bucket for bucket, when in self._due.items() if when <= now + 0.01 and not bucket.asking]
        batch = []
        for bucket in ready[:MOST_AT_ONCE]:
            del self._due[bucket]
            idle = bucket.touched + IDLE <= now and not bucket.uses
            batch.append((bucket, bucket.entry(now, self.workers, idle=idle)))
        return batch

    def plan(self) -> None:
        """Works out anew when something is to be settled next."""
        self.next = min((when for bucket, when in self._due.items() if not bucket.asking), default=FAR)

    def settle(self, batch: Iterable[tuple[Bucket, Entry]], settled: Settled, now: float) -> None:
        """Takes what the store has answered."""
        self.workers = max(1, settled.workers)
        for (bucket, _), outcome in zip(batch, settled.outcomes, strict=True):
            bucket.settle(outcome, now, self.workers)
            if bucket.lease or bucket.kept:
                self._holding.add(bucket)
            else:
                self._holding.discard(bucket)
            if bucket.gone and bucket.lease:
                self._due[bucket] = now

    def failed(self, batch: Iterable[tuple[Bucket, Entry]], now: float) -> None:
        """The store did not answer. Buckets that nobody asks for any more are forgotten."""
        for bucket, entry in batch:
            bucket.failed(entry)
            if not bucket.gone:
                self._due[bucket] = now + RELAXED

    def look_around(self, now: float) -> None:
        """What is on loan and idle goes back; other loans are told anew before they end."""
        for bucket in self._holding:
            idle = bucket.lease > 0 and bucket.touched + IDLE <= now and self.workers > 1
            if idle or bucket.known is None or bucket.known + RENEW <= now:
                self._due.setdefault(bucket, now)

    def give_all_back(self) -> None:
        """The worker is about to stop."""
        for bucket in (*self._holding, *self._due):
            bucket.gone = True
            self._due[bucket] = 0.0

    def hear(self, workers: int, news: list[tuple[str, int]], now: float) -> None:
        """News from the store."""
        if workers != self.workers:
            self.workers = max(1, workers)
            self._due.update((bucket, now) for bucket in self._holding)
        for key, left in news:
            bucket = self._by_key.get(key)
            if bucket is not None:
                bucket.hear(left, self.workers, now)
                continue
            self._heard[key] = (left, now)
            self._heard.move_to_end(key)
            if len(self._heard) > MOST_HEARD:
                self._heard.popitem(last=False)
