"""One line for every answered request, written in blocks.

What happened is kept; when enough has come, or a second later, it becomes lines and is sent out. What reads
the other end may be slow or stuck: then lines wait, and at last are dropped and counted, but no request
waits.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from datetime import UTC, datetime
from stat import S_ISREG

from gateway.clock import Clock
from gateway.process.access_lines import LINE_LIMIT, LINES, fitting, packed
from gateway.process.logs import Format
from gateway.telemetry.entry import Entry

MOST_KEPT = 64
"""Entries that are kept before they become lines."""

BLOCK = 64 * 1024
"""Bytes of one write to a file."""

MOST_WAITING = 4 * 1024 * 1024
"""Bytes that may wait for a reader that does not read."""


class AccessLog:
    """The access log of one worker.

    It holds who asked for which path and what came of it: never the query, a header or a body.
    """

    def __init__(self, descriptor: int, style: Format, clock: Clock, *, every: float = 1.0) -> None:
        self._descriptor = descriptor
        self._line = LINES[style]
        self._clock = clock
        self._every = every
        self._entries: list[tuple[float, Entry]] = []
        self._pieces: deque[bytes] = deque()
        """Whole lines, as many as one write takes."""
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        # A file takes any block whole; a pipe only a small one, and a terminal is like a pipe.
        self._most = BLOCK if S_ISREG(os.fstat(descriptor).st_mode) else LINE_LIMIT
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._moment = -1
        self._time = ""
        self.lost = 0
        """Lines dropped because nobody read them."""

    def write(self, entry: Entry) -> None:
        """Notes one answer."""
        self._entries.append((self._clock(), entry))
        if len(self._entries) >= MOST_KEPT:
            self.flush()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._tick)

    def flush(self) -> None:
        """Sends out what is kept, as far as the reader takes it now."""
        self._write_lines()
        while self._pieces and self._poll.poll(0):
            if not self._send(self._next_piece()):
                break
        while self._size > MOST_WAITING:
            self.lost += self._next_piece().count(b"\n")

    def _write_lines(self) -> None:
        entries, self._entries = self._entries, []
        lines = [self._line(self._stamp(at), entry) for at, entry in entries]
        if max(map(len, lines), default=0) > LINE_LIMIT:
            lines = [fitting(self._line, self._stamp(at), entry) for at, entry in entries]
        pieces = packed(lines, self._most)
        self._pieces.extend(pieces)
        self._size += sum(map(len, pieces))

    def _tick(self) -> None:
        self._timer = None
        self.flush()
        if self._pieces:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._tick)

    def _next_piece(self) -> bytes:
        piece = self._pieces.popleft()
        self._size -= len(piece)
        return piece

    def _send(self, piece: bytes) -> bool:
        try:
            sent = os.write(self._descriptor, piece)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The reader is gone. There is nowhere left to say so.
            self.lost += piece.count(b"\n")
            return False
        if sent < len(piece):
            self._pieces.appendleft(piece[sent:])
            self._size += len(piece) - sent
        return sent == len(piece)

    def _stamp(self, at: float) -> str:
        """The time to the millisecond: worked out once for all entries within it."""
        moment = int(at * 1000)
        if moment != self._moment:
            self._moment = moment
            date = datetime.fromtimestamp(moment // 1000, UTC).isoformat()[:19]
            self._time = f"{date}.{moment % 1000:03d}Z"
        return self._time
