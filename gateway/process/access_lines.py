"""The lines of the access log."""

from __future__ import annotations

import select
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _json_string

from gateway.process.logs import Format, quoted
from gateway.telemetry.entry import Entry

LINE_LIMIT = select.PIPE_BUF
"""The most that one write to a pipe does whole: so the lines of several workers never run into each other."""

LONGEST = 100
"""Where a line would be longer than a piece, its values are cut to this many characters."""

MOST_KEPT = 1024
LONGEST_KEPT = 256
"""Bytes of a path whose names are kept: with the number of them a bound on memory."""

Line = Callable[[str, Entry], bytes]
"""Makes a line of a time and an entry."""


def json_line(time: str, entry: Entry) -> bytes:
    """For machines."""
    address, method, path, status, size, seconds, route, client, request_id = entry
    named = _json_names if len(path) <= LONGEST_KEPT else _json_names.__wrapped__
    asked, known = named(address, method, path, route, client)
    return (
        f'{{"time": "{time}", "level": "info", "logger": "access", {asked}, "status": {status}, '
        f'"bytes": {size}, "seconds": {seconds:.6f}, {known}, "request_id": {_json_string(request_id)}}}\n'
    ).encode("ascii")


@lru_cache(maxsize=MOST_KEPT)
def _json_names(address: str, method: str, path: bytes, route: str, client: str) -> tuple[str, str]:
    """Who asked for what, and what is known of it: the same of many requests."""
    return (
        f'"address": {_json_string(address)}, "method": {_json_string(method)}, '
        f'"path": {_json_string(path.decode("latin-1"))}',
        f'"route": {_json_string(route)}, "client": {_json_string(client)}',
    )


def text_line(time: str, entry: Entry) -> bytes:
    """For people."""
    address, method, path, status, size, seconds, route, client, request_id = entry
    return (
        f"{time} info access: {quoted(address)} {quoted(method)} {quoted(path.decode('latin-1'))} "
        f"{status} {size} {seconds:.6f} route={quoted(route)} client={quoted(client)} "
        f"request_id={quoted(request_id)}\n"
    ).encode()


LINES: dict[Format, Line] = {"json": json_line, "text": text_line}


def fitting(line: Line, time: str, entry: Entry) -> bytes:
    """A line that one write does whole."""
    made = line(time, entry)
    return made if len(made) <= LINE_LIMIT else line(time, _shortened(entry))


def packed(lines: list[bytes], most: int) -> list[bytes]:
    """The lines, joined to pieces of at most `most` bytes each."""
    if sum(map(len, lines)) <= most:
        return [b"".join(lines)] if lines else []
    pieces: list[bytes] = []
    begin = size = 0
    for place, line in enumerate(lines):
        size += len(line)
        if size > most and place > begin:
            pieces.append(b"".join(lines[begin:place]))
            begin, size = place, len(line)
    return [*pieces, b"".join(lines[begin:])]


def _shortened(entry: Entry) -> Entry:
    address, method, path, status, size, seconds, route, client, request_id = entry
    path = path if len(path) <= LONGEST else path[:LONGEST] + b"..."
    route, client, request_id = _cut(route), _cut(client), _cut(request_id)
    return _cut(address), _cut(method), path, status, size, seconds, route, client, request_id


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
