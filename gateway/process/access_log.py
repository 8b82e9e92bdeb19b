"""One line for every answered request, written in blocks.

A line is put together and kept; a full block, or the clock a second later, sends it out. What reads the
other end may be slow or stuck: then lines wait, and at last are dropped and counted, but no request waits.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _json_string
from typing import NamedTuple

from gateway.clock import Clock
from gateway.process.logs import Format, quoted

BLOCK = 64 * 1024
"""Bytes that are kept before they are sent out at once."""

PIECE = select.PIPE_BUF
"""The most that one write to a pipe does whole: so the lines of several workers never run into each other."""

LONGEST = 100
"""Where a line would be longer than a piece, its values are cut to this many characters."""

MOST_WAITING = 4 * 1024 * 1024
"""Bytes that may wait for a reader that does not read."""


class Entry(NamedTuple):
    """One answered request."""

    address: str
    method: str
    path: str
    status: int
    size: int
    seconds: float
    route: str
    client: str
    request_id: str


class AccessLog:
    """The access log of one worker.

    It holds who asked for which path and what came of it: never the query, a header or a body.
    """

    def __init__(self, descriptor: int, style: Format, clock: Clock, *, every: float = 1.0) -> None:
        self._descriptor = descriptor
        self._line = _json_line if style == "json" else _text_line
        self._clock = clock
        self._every = every
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._second = -1
        self._stamp = ""
        self.lost = 0
        """Lines dropped because nobody read them."""

    def write(
        self,
        *,
        address: str,
        method: str,
        path: str,
        status: int,
        size: int,
        seconds: float,
        route: str,
        client: str,
        request_id: str,
    ) -> None:
        """Notes one answer: `path` without the query (people put secrets there), `size` the body's bytes."""
        entry = Entry(address, method, path, status, size, seconds, route, client, request_id)
        line = self._line(self._now(), entry)
        if len(line) > PIECE:
            line = self._line(self._now(), _shortened(entry))
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BLOCK:
            self.flush()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._tick)

    def flush(self) -> None:
        """Sends out what is kept, as far as the reader takes it now."""
        while self._lines and self._poll.poll(0):
            if not self._send(self._next_piece()):
                break
        while self._size > MOST_WAITING:
            self._size -= len(self._lines.popleft())
            self.lost += 1

    def _tick(self) -> None:
        self._timer = None
        self.flush()
        if self._lines:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._tick)

    def _next_piece(self) -> bytes:
        lines = [self._lines.popleft()]
        size = len(lines[0])
        while self._lines and size + len(self._lines[0]) <= PIECE:
            lines.append(self._lines.popleft())
            size += len(lines[-1])
        self._size -= size
        return b"".join(lines)

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
            self._lines.appendleft(piece[sent:])
            self._size += len(piece) - sent
        return sent == len(piece)

    def _now(self) -> str:
        now = self._clock()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        return f"{self._stamp}.{int((now - second) * 1000):03d}Z"


def _shortened(entry: Entry) -> Entry:
    return Entry(*(_cut(value) if isinstance(value, str) else value for value in entry))  # type: ignore[arg-type]  # same order, same types


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _json_line(time: str, entry: Entry) -> bytes:
    address, method, path, status, size, seconds, route, client, request_id = entry
    return (
        f'{{"time": "{time}", "level": "info", "logger": "access", "address": {_json_string(address)}, '
        f'"method": {_json_string(method)}, "path": {_json_string(path)}, "status": {status}, '
        f'"bytes": {size}, "seconds": {seconds:.6f}, "route": {_json_string(route)}, '
        f'"client": {_json_string(client)}, "request_id": {_json_string(request_id)}}}\n'
    ).encode("ascii")


def _text_line(time: str, entry: Entry) -> bytes:
    address, method, path, status, size, seconds, route, client, request_id = entry
    return (
        f"{time} info access: {quoted(address)} {quoted(method)} {quoted(path)} {status} {size} "
        f"{seconds:.6f} route={quoted(route)} client={quoted(client)} request_id={quoted(request_id)}\n"
    ).encode()
