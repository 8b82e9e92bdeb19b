"""Access log line formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as _json_string
from typing import Final

from gateway.process.line_writer import LINE_LIMIT
from gateway.process.logs import Format, quoted
from gateway.runtime.caches import KIB, MIB, cached_unchecked, register
from gateway.telemetry.access_entry import DetailedEntry, Details, Entry

MAX_VALUE_LENGTH: Final = 100
"""Values of a line longer than `LINE_LIMIT` are truncated to this many characters."""

MAX_CACHED: Final = 256
"""Longer paths and clients (in bytes, together) are not cached."""
_MEMBERS: Final = register(
    "members of access log lines", __name__, entries=1024, key_bytes=MAX_CACHED, total_bytes=6 * MIB
)
MAX_DETAIL: Final = 64
"""Longer values (in characters) of further members are not cached."""
_DETAILS: Final = register(
    "further members of access log lines", __name__, entries=256, key_bytes=MAX_DETAIL, total_bytes=256 * KIB
)

_JSON_LINE: Final = (
    b'{"time": "%s", "level": "info", "logger": "access", %s, "bytes": %d, "seconds": %.6f, %s, '
    b'"request_id": %s}\n'
)

Line = Callable[[str, Entry], bytes]
"""Formats a timestamp and an entry as one line, line feed included."""


def json_line(time: str, entry: Entry) -> bytes:
    """One JSON object per line."""
    address, method, path, status, size, seconds, route, client, request_id = entry
    members = _json_members if len(path) + len(client) <= MAX_CACHED else _json_members.__wrapped__
    request, identity = members(address, method, path, status, route, client)
    # An id of letters and digits, as most are, needs no escapes; to look for those takes three times as long.
    raw_id = request_id.encode("ascii", "replace")
    shown_id = b'"%s"' % raw_id if raw_id.isalnum() else _json_string(request_id).encode("ascii")
    return _JSON_LINE % (time.encode("ascii"), request, size, seconds, identity, shown_id)


@cached_unchecked(_MEMBERS)
def _json_members(
    address: str, method: str, path: bytes, status: int, route: str, client: str
) -> tuple[bytes, bytes]:
    """The members that repeat across requests: cached, since encoding them is costly."""
    request = (
        f'"address": {_json_string(address)}, "method": {_json_string(method)}, '
        f'"path": {_json_string(path.decode("latin-1"))}, "status": {status}'
    )
    identity = f'"route": {_json_string(route)}, "client": {_json_string(client)}'
    return request.encode("ascii"), identity.encode("ascii")


def text_line(time: str, entry: Entry) -> bytes:
    """`time info access: address method path status bytes seconds key=value…`."""
    address, method, path, status, size, seconds, route, client, request_id = entry
    return (
        f"{time} info access: {quoted(address)} {quoted(method)} {quoted(path.decode('latin-1'))} "
        f"{status} {size} {seconds:.6f} route={quoted(route)} client={quoted(client)} "
        f"request_id={quoted(request_id)}\n"
    ).encode()


LINES: Final[dict[Format, Line]] = {"json": json_line, "text": text_line}


def detailed_line(style: Format, time: str, detailed: DetailedEntry) -> bytes:
    """The same line, with the further fields at its end."""
    if style == "text":
        pairs = ((name, "-" if value is None else value) for name, value in detailed.details)
        end = "".join(f" {name}={quoted(value)}" for name, value in pairs) + "\n"
        return text_line(time, detailed.entry)[:-1] + end.encode()
    details = detailed.details
    # The endpoints of tokens say one thing, which is that of many requests: the grant.
    value = details[0][1] if len(details) == 1 else None
    known = isinstance(value, str) and len(value) <= MAX_DETAIL
    behind = _json_end(details) if known else _json_end.__wrapped__(details)
    return json_line(time, detailed.entry)[:-2] + behind


@cached_unchecked(_DETAILS)
def _json_end(details: Details) -> bytes:
    """The further members, and the end of the line."""
    members = "".join([f", {_json_string(name)}: {_json_value(value)}" for name, value in details])
    return f"{members}}}\n".encode("ascii")


def _json_value(value: str | float | None) -> str:
    return _json_string(value) if isinstance(value, str) else json.dumps(value)


def fit_line(line: Line, time: str, entry: Entry) -> bytes:
    """The line, with its values truncated if it exceeds `LINE_LIMIT`: one atomic write to a pipe."""
    text = line(time, entry)
    return text if len(text) <= LINE_LIMIT else line(time, _truncated(entry))


def fit_detailed_line(style: Format, time: str, detailed: DetailedEntry) -> bytes:
    """The same for a line with further fields."""
    text = detailed_line(style, time, detailed)
    if len(text) <= LINE_LIMIT:
        return text
    cut = tuple(
        (name, _truncate(value) if isinstance(value, str) else value) for name, value in detailed.details
    )
    return detailed_line(style, time, DetailedEntry(_truncated(detailed.entry), cut))


def pack(lines: list[bytes], max_size: int) -> list[bytes]:
    """Joins lines into blocks of at most `max_size` bytes each."""
    if sum(map(len, lines)) <= max_size:
        return [b"".join(lines)] if lines else []
    blocks: list[bytes] = []
    start = size = 0
    for index, line in enumerate(lines):
        size += len(line)
        if size > max_size and index > start:
            blocks.append(b"".join(lines[start:index]))
            start, size = index, len(line)
    return [*blocks, b"".join(lines[start:])]


def _truncated(entry: Entry) -> Entry:
    address, method, path, status, size, seconds, route, client, request_id = entry
    path = path if len(path) <= MAX_VALUE_LENGTH else path[:MAX_VALUE_LENGTH] + b"..."
    route, client, request_id = _truncate(route), _truncate(client), _truncate(request_id)
    return _truncate(address), _truncate(method), path, status, size, seconds, route, client, request_id


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_VALUE_LENGTH else text[:MAX_VALUE_LENGTH] + "..."
