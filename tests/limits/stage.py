"""Several workers on one real store, with a clock and settlements that the test decides on."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis

from gateway.limits.lease_table import LeaseTable
from gateway.limits.rate_bucket import PendingTake, RateBucket, Window
from gateway.store.key_names import KeyNames
from gateway.store.limits import SETTLE, LeaseSettlement, settle_call, settled


@dataclass
class Time:
    """The time of all workers."""

    now: float = 1_800_000_000.0


@dataclass
class Worker:
    """One worker: its leases, and the store behind it."""

    name: str
    client: redis.Redis
    prefix: str
    time: Time
    others: list[Worker] = field(default_factory=list)
    """Who hears what it settles, itself among them."""
    lease_table: LeaseTable = field(default_factory=LeaseTable)

    def bucket(self, window: Window, subject: str = "a") -> RateBucket:
        return self.lease_table.find("limit", subject, window, self.time.now)

    def take(self, window: Window, subject: str = "a", *, away: bool = False) -> bool:
        """Whether a request is admitted, after as many settlements of all workers as it waits for."""
        bucket = self.bucket(window, subject)
        admitted = self.lease_table.take(bucket, self.time.now, away=away)
        if admitted is not None:
            return admitted
        decisions: list[float | None] = []
        self.lease_table.wait(bucket, PendingTake(self.time.now, decisions.append), self.time.now)
        while not decisions:
            for worker in self.others:
                worker.settle()
        return decisions[0] is not None

    def flood(self, window: Window, number: int = 10_000) -> int:
        """How many of so many are admitted at once."""
        return sum(self.take(window) for _ in range(number))

    def settle(self) -> LeaseSettlement:
        """One round trip, with all that is due."""
        now = self.time.now
        self.lease_table.schedule_idle_and_expiring(now)
        for bucket in list(self.lease_table._due):
            self.lease_table._due[bucket] = now
        batch = self.lease_table.batch(now)
        keys, args = settle_call(KeyNames(self.prefix), self.name, [entry for _, entry in batch])
        reply = self.client.eval(SETTLE.source, len(keys), *keys, *args)
        assert isinstance(reply, bytes)
        answer = settled(reply)
        self.lease_table.settle(batch, answer, now)
        for worker in self.others:
            news = [
                (entry.key, max(0, outcome.left), worker is not self and outcome.grant < entry.need)
                for (_, entry), outcome in zip(batch, answer.outcomes, strict=True)
            ]
            worker.lease_table.on_news(answer.workers, news, now)
        return answer


def team(client: redis.Redis, prefix: str, number: int, time: Time) -> list[Worker]:
    """Workers that know of each other."""
    workers = [Worker(f"w{index}", client, prefix, time) for index in range(number)]
    for _ in range(2):
        for worker in workers:
            worker.others = workers
            worker.settle()
    return workers
