"""Sends things in batches, in a thread of its own: what is slow, down or refuses costs them, nothing else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.config.otel import BatchSettings

Item = TypeVar("Item")

THREADS = "otel "
"""What the names of the threads begin with."""


class BatchQueue(Generic[Item]):
    """Takes items at once. `start` it in the process that uses it: a fork takes no thread along."""

    def __init__(self, name: str, send: Callable[[list[Item]], bool], settings: BatchSettings) -> None:
        """`send` sends a batch in the thread, and returns whether it was taken. It must not raise."""
        self._send = send
        self._settings = settings
        self._waiting: deque[Item] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._overflown = self._refused = 0
        self._count = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"{THREADS}{name}", daemon=True)

    @property
    def lost(self) -> int:
        """Items that were dropped since the start, because too many waited or because nobody took them."""
        return self._overflown + self._refused

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def add(self, item: Item) -> None:
        """Queues an item, or drops it where too many wait. Any thread may call it."""
        waiting = len(self._waiting)
        if waiting >= self._settings.max_queue:
            with self._count:
                self._overflown += 1
            return
        self._waiting.append(item)
        if waiting + 1 == self._settings.max_batch:
            self._wake.set()

    def begin_stop(self) -> None:
        """Sends what waits, without the delay, and then ends."""
        self._stopping = True
        self._wake.set()

    def stop(self, deadline: float) -> None:
        """Waits until it has ended, or until `deadline` by `time.monotonic`."""
        self._thread.join(max(deadline - time.monotonic(), 0.0))

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._settings.delay)
            self._wake.clear()
            self._send_waiting()
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting:
            size = min(len(self._waiting), self._settings.max_batch)
            batch = [self._waiting.popleft() for _ in range(size)]
            if not self._send(batch):
                self._refused += len(batch)
