"""Writes log lines to a file descriptor without blocking.

The reader of a pipe may be slow or stuck. Lines are then buffered up to a limit; beyond it the oldest are
dropped and counted. The access log and all other logging share one writer, so neither can block a request.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from collections import deque
from collections.abc import Iterable
from stat import S_ISREG
from typing import Final

from gateway.runtime.caches import KIB, cached_unchecked, register

LINE_LIMIT: Final = select.PIPE_BUF
"""Bytes that one write to a pipe transfers atomically, so lines of several workers never interleave."""

BLOCK: Final = 64 * 1024
"""Maximum bytes of one write to a regular file."""

MAX_BUFFERED = 4 * 1024 * 1024
"""Maximum buffered bytes while the reader does not read."""

RETRY_DELAY = 0.25
"""Seconds until a write that would have blocked is retried."""

EXIT_TIMEOUT = 1.0
"""Maximum seconds that process exit waits for the reader."""


class LineWriter:
    """Buffered, ordered writes to one descriptor. Thread-safe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._blocks: deque[bytes] = deque()
        """Blocks of whole lines, each small enough for one write."""
        self._size = 0
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # Writes to regular files are not split; to pipes only up to PIPE_BUF. Terminals are treated as pipes.
        self.max_block = BLOCK if S_ISREG(os.fstat(descriptor).st_mode) else LINE_LIMIT
        """Maximum bytes of one block passed to `write`."""
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.dropped_lines = 0
        """Lines dropped because the reader was too slow or gone."""

    @property
    def pending(self) -> bool:
        """Whether lines are buffered."""
        return bool(self._blocks)

    def write(self, blocks: Iterable[bytes]) -> None:
        """Buffers the blocks and writes as much as possible without blocking."""
        with self._lock:
            for block in blocks:
                self._blocks.append(block)
                self._size += len(block)
            self._write_pending()
        if self._blocks:
            self._schedule_retry()

    def flush(self) -> None:
        """Writes as much of the buffer as possible without blocking."""
        self.write(())

    def finish(self) -> None:
        """Flushes the buffer, blocking for at max_block `EXIT_TIMEOUT` seconds."""
        deadline = time.monotonic() + EXIT_TIMEOUT
        self.flush()
        while self._blocks and (remaining := deadline - time.monotonic()) > 0:
            self._poll.poll(remaining * 1000)
            self.flush()

    def _write_pending(self) -> None:
        while self._blocks and self._poll.poll(0):
            if not self._write_block(self._next_block()):
                break
        while self._size > MAX_BUFFERED:
            self.dropped_lines += self._next_block().count(b"\n")

    def _schedule_retry(self) -> None:
        """Schedules a retry if an event loop runs; otherwise the next `write` retries."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._timer is None or self._loop is not loop:
            self._loop = loop
            self._timer = loop.call_later(RETRY_DELAY, self._on_retry)

    def _on_retry(self) -> None:
        self._timer = None
        self.flush()

    def _next_block(self) -> bytes:
        block = self._blocks.popleft()
        self._size -= len(block)
        return block

    def _write_block(self, block: bytes) -> bool:
        try:
            written = os.write(self._descriptor, block)
        except BlockingIOError:
            written = 0
        except OSError:
            # Broken pipe or full disk: there is nowhere to report it but the counter.
            self.dropped_lines += block.count(b"\n")
            return False
        if written < len(block):
            self._blocks.appendleft(block[written:])
            self._size += len(block) - written
        return written == len(block)


def line_writer(descriptor: int) -> LineWriter:
    """The process-wide writer of a descriptor. A forked process gets its own."""
    return _writer(descriptor, os.getpid())


# Standard output and standard error of this process, and of those that it was forked from.
_WRITERS: Final = register("writers of log lines", __name__, entries=64, total_bytes=256 * KIB)


@cached_unchecked(_WRITERS)
def _writer(descriptor: int, _process: int) -> LineWriter:
    return LineWriter(descriptor)


def split_line(line: bytes, max_size: int) -> list[bytes]:
    """Splits a line into blocks of at most `max_size` bytes."""
    return [line[start : start + max_size] for start in range(0, len(line), max_size)]
