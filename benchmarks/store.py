"""A Redis server that a contender asks: what that costs."""

from __future__ import annotations

import os
from typing import Any

import redis

from benchmarks.machine import cpu_seconds


class Store:
    """Seen from outside, over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._redis: Any = redis.Redis.from_url(url)
        self._pid = int(self._redis.info("server")["process_id"])

    @property
    def cores(self) -> set[int]:
        """Where it may run."""
        return os.sched_getaffinity(self._pid)

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return cpu_seconds([self._pid])

    def commands(self) -> int:
        """How many it has been given so far."""
        return int(self._redis.info("stats")["total_commands_processed"])

    def memory(self) -> int:
        """Bytes that its data takes (`used_memory`)."""
        return int(self._redis.info("memory")["used_memory"])

    def put(self, key: str, value: str) -> None:
        """For contenders that make no tokens."""
        self._redis.set(key, value)
