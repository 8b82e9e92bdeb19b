"""The queue for things that go to a collector."""

from __future__ import annotations

import threading
import time

from gateway.config.otel import BatchSettings
from gateway.otel.batch_queue import BatchQueue

LIMIT = 10.0


def stopped(queue: BatchQueue[int]) -> None:
    queue.begin_stop()
    queue.stop(time.monotonic() + LIMIT)


def test_batches_have_at_most_their_size_and_keep_the_order() -> None:
    batches: list[list[int]] = []
    queue = BatchQueue("test", lambda batch: batches.append(batch) is None, BatchSettings(600, 100, 3))
    for number in range(7):
        queue.add(number)
    queue.start()
    stopped(queue)
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]
    assert queue.lost == 0


def test_a_full_batch_is_sent_without_the_delay() -> None:
    sent = threading.Event()

    def send(_: list[int]) -> bool:
        sent.set()
        return True

    queue = BatchQueue("test", send, BatchSettings(600, 100, 3))
    queue.start()
    for number in range(3):
        queue.add(number)
    assert sent.wait(LIMIT)
    stopped(queue)


def test_what_is_too_much_is_dropped_and_counted_while_the_sender_hangs() -> None:
    hanging, release = threading.Event(), threading.Event()

    def send(_: list[int]) -> bool:
        hanging.set()
        return release.wait(LIMIT)

    queue = BatchQueue("test", send, BatchSettings(600, 4, 2))
    queue.start()
    queue.add(0)
    queue.add(1)
    assert hanging.wait(LIMIT)
    for number in range(10):
        queue.add(number)
    assert queue.lost == 6, "four wait"
    queue.begin_stop()
    queue.stop(time.monotonic())
    release.set()
    stopped(queue)
    assert queue.lost == 6


def test_what_nobody_takes_is_lost() -> None:
    queue = BatchQueue("test", lambda _: False, BatchSettings(600, 10, 2))
    for number in range(3):
        queue.add(number)
    queue.start()
    stopped(queue)
    assert queue.lost == 3
