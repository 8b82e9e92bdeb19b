"""The access log: one line per request, written in batches.

A few entries are formatted at a time, and many lines written at a time, or what there is after a second. The
line writer never blocks.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from gateway.clock import Clock
from gateway.process.access_log_format import LINES, fit_detailed_line, fit_line, pack
from gateway.process.line_writer import LINE_LIMIT, LineWriter
from gateway.process.logs import Format
from gateway.telemetry.access_entry import DetailedEntry, Entry

MAX_BUFFERED: Final = 64
"""Lines that trigger a write."""
AT_ONCE: Final = 8
"""Entries that are formatted together. More would cost hardly less each, and a request waits for all."""

_MILLISECONDS: Final = tuple(f".{millisecond:03d}Z" for millisecond in range(1000))
"""The end of each timestamp. Looking it up costs half of formatting it."""


class AccessLog:
    """The access log of one worker process. Query strings, headers and bodies are never logged."""

    def __init__(self, writer: LineWriter, style: Format, clock: Clock, *, every: float = 1.0) -> None:
        """`every`: seconds after which buffered entries are written at the latest."""
        self._writer = writer
        self._style, self._line = style, LINES[style]
        self._clock = clock
        self._every = every
        self._entries: list[tuple[float, Entry | DetailedEntry]] = []
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second, self._date = -1000, ""
        """When the second of the last entry that was formatted began, in milliseconds, and its text."""
        self._from, self._until, self._time = 0.0, 0.0, ""
        """The time of that entry, when its millisecond ends, and its text."""

    def write(self, entry: Entry | DetailedEntry) -> None:
        """Records one request."""
        self._entries.append((self._clock(), entry))
        if len(self._entries) >= AT_ONCE:
            self._format()
            if len(self._lines) >= MAX_BUFFERED:
                self._hand_over()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._on_timer)

    def flush(self) -> None:
        """Hands everything buffered to the line writer."""
        self._format()
        self._hand_over()

    def _format(self) -> None:
        entries, self._entries = self._entries, []
        lines = [
            fit_detailed_line(self._style, self._format_time(at), entry)
            if isinstance(entry, DetailedEntry)
            else self._line(self._format_time(at), entry)
            for at, entry in entries
        ]
        if max(map(len, lines), default=0) > LINE_LIMIT:
            lines = [self._cut(line, at, entry) for line, (at, entry) in zip(lines, entries, strict=True)]
        self._lines += lines

    def _hand_over(self) -> None:
        lines, self._lines = self._lines, []
        self._writer.write(pack(lines, self._writer.max_block))

    def _cut(self, line: bytes, at: float, entry: Entry | DetailedEntry) -> bytes:
        if isinstance(entry, DetailedEntry):
            return line
        return fit_line(self._line, self._format_time(at), entry)

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()

    def _format_time(self, at: float) -> str:
        """UTC in milliseconds. Under load many entries are of the same one."""
        if self._from <= at < self._until:
            return self._time
        millisecond = int(at * 1000)
        since = millisecond - self._second
        if not 0 <= since < len(_MILLISECONDS):
            second, since = divmod(millisecond, 1000)
            self._second = millisecond - since
            self._date = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        self._from, self._until = at, (millisecond + 1) / 1000
        self._time = self._date + _MILLISECONDS[since]
        return self._time
