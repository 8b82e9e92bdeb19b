"""Several workers on one real store, with a clock that the test sets and settlings when the test says so."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis

from gateway.limits.bucket import Bucket, Window
from gateway.limits.ledger import Ledger
from gateway.store.limits import SETTLE, Settled, settle_call, settled


@dataclass
class Time:
    """The time of all workers."""

    now: float = 1_800_000_000.0


@dataclass
class Worker:
    """One worker: its ledger, and the store behind it."""

    name: str
    client: redis.Redis
    prefix: str
    time: Time
    others: list[Worker] = field(default_factory=list)
    """Who hears what it settles, itself among them."""
    ledger: Ledger = field(default_factory=Ledger)

    def bucket(self, window: Window, subject: str = "a") -> Bucket:
        return self.ledger.find("limit", subject, window, self.time.now)

    def take(self, window: Window, subject: str = "a", *, away: bool = False) -> bool:
        return self.ledger.take(self.bucket(window, subject), self.time.now, away=away)

    def flood(self, window: Window, number: int = 10_000) -> int:
        """How many of so many are admitted at once."""
        return sum(self.take(window) for _ in range(number))

    def settle(self) -> Settled:
        """One round trip, with all that is due."""
        now = self.time.now
        self.ledger.look_around(now)
        for bucket in list(self.ledger._due):
            self.ledger._due[bucket] = now
        batch = self.ledger.batch(now)
        keys, args = settle_call(self.prefix, self.name, [entry for _, entry in batch])
        reply = self.client.eval(SETTLE.source, len(keys), *keys, *args)
        assert isinstance(reply, bytes)
        answer = settled(reply)
        self.ledger.settle(batch, answer, now)
        left = [max(0, outcome.left) for outcome in answer.outcomes]
        news = [(entry.key, number) for (_, entry), number in zip(batch, left, strict=True)]
        for worker in self.others:
            worker.ledger.hear(answer.workers, news, now)
        return answer


def team(client: redis.Redis, prefix: str, number: int, time: Time) -> list[Worker]:
    """Workers that know of each other."""
    workers = [Worker(f"w{index}", client, prefix, time) for index in range(number)]
    for _ in range(2):
        for worker in workers:
            worker.others = workers
            worker.settle()
    return workers
