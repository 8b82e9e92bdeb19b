"""Server-sent events on their way to the client, each shown to a function that may change its data.

HTML section 9.2: lines end with CRLF, LF or CR; an empty line ends an event; the values of its `data` lines,
joined by LF, are its data. What is not changed passes byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.http.problems import UPSTREAM_BROKEN, Problem

ChangeData = Callable[[bytes], bytes | None]
"""Takes the data of an event, and returns what it becomes, on one line; None: it stays."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class EventStream:
    """One stream. Whole events leave at once, comments between them as well."""

    __slots__ = ("_begun", "_change", "_event", "_limit", "_rest", "_searched", "_size", "_split_line_end")

    changes = True
    """Whether the body is another one behind it (`gateway.http.body_hook.BodyFilter`)."""

    def __init__(self, change: ChangeData, limit: int) -> None:
        """`limit`: bytes of the largest event."""
        self._change = change
        self._limit = limit
        self._begun = False
        self._event: list[bytes] = []
        """The lines of an event that is not complete, with their ends."""
        self._size = 0
        self._rest = bytearray()
        """A line that is not complete."""
        self._searched = 0
        self._split_line_end = False
        """Whether the last byte was a CR, which an LF may follow."""

    def feed(self, data: bytes) -> bytes:
        """Takes the next bytes, and returns those that can go out.

        Raises:
            Problem: an event is larger than the limit.
        """
        out: list[bytes] = []
        if not self._begun and data:
            self._begun = True
            data = data.removeprefix(_BOM)
        if self._split_line_end and data:
            self._split_line_end = False
            if data.startswith(b"\n"):
                data = data[1:]
                if self._event:
                    self._event[-1] += b"\n"
                else:
                    out.append(b"\n")
        self._rest += data
        while (line := self._next_line()) is not None:
            self._take(line, out)
        if self._size + len(self._rest) > self._limit:
            raise Problem(UPSTREAM_BROKEN, reason=f"an event is larger than {self._limit} bytes")
        return b"".join(out)

    def finish(self) -> bytes:
        """What is left when the stream ends: of an event without its empty line, lenient clients take the
        data all the same.
        """
        lines = [*self._event, bytes(self._rest)]
        self._event, self._rest = [], bytearray()
        return self._changed(lines)

    def _next_line(self) -> bytes | None:
        found = _LINE_END.search(self._rest, self._searched)
        if found is None:
            self._searched = len(self._rest)
            return None
        end, self._searched = found.end(), 0
        self._split_line_end = found[0] == b"\r" and end == len(self._rest)
        del found  # it holds the buffer, which can't be cut then
        line = bytes(self._rest[:end])
        del self._rest[:end]
        return line

    def _take(self, line: bytes, out: list[bytes]) -> None:
        content = line.rstrip(b"\r\n")
        if not content:
            out.append(self._changed([*self._event, line]))
            self._event, self._size = [], 0
        elif content.startswith(b":") and not self._event:
            out.append(line)
        else:
            self._event.append(line)
            self._size += len(line)

    def _changed(self, lines: list[bytes]) -> bytes:
        values = [value for line in lines if (value := _data(line)) is not None]
        changed = self._change(b"\n".join(values)) if values else None
        if changed is None:
            return b"".join(lines)
        first = next(number for number, line in enumerate(lines) if _data(line) is not None)
        end = lines[first][len(lines[first].rstrip(b"\r\n")) :]
        kept = [line for line in lines[first:] if _data(line) is None]
        return b"".join([*lines[:first], b"data: " + changed + end, *kept])


def _data(line: bytes) -> bytes | None:
    """The value of a `data` line; None: it is another one."""
    name, _, value = line.rstrip(b"\r\n").partition(b":")
    return value.removeprefix(b" ") if name == b"data" else None
