"""Reads access logs back, line by line: memory does not grow with their length."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_LINE = 65_536
"""Bytes of a line that is read; the gateway's own have at most 4,096."""
STDIN = "-"

_GZIP = b"\x1f\x8b"
_UNESCAPED = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt])")
# time, level, "access:", address, method, path, status, bytes, seconds, key=value …
_VALUE = r'("(?:[^"\\]|\\.)*+"|[^\s"]\S*+)'
_TEXT_LINE = re.compile(
    rf"(\S++) info access: {_VALUE} {_VALUE} {_VALUE} (\d{{3}}) \d++ [\d.]++((?: \w++={_VALUE})*)"
)
_MEMBER = re.compile(rf" (\w++)={_VALUE}")
_OTHER_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\S++ (?:debug|info|warning|error) [\w.]++: ")
_OWN_WORD = "gatepost: "
"""How lines for people begin, such as the one at the start."""
_ERRORS = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """What one line of the access log says."""

    time: str
    """RFC 3339."""
    method: str
    path: str
    """Without the query."""
    status: int
    route: str
    """The route's path; `-`: none took it."""
    client: str
    """`-`: none is known."""
    host: str | None = None
    """None: `logging.fields` has no `host`."""
    error: str | None = None
    """The gateway's own error code; None: there was none, or `error_known` is false."""
    error_known: bool = False
    """Whether the line has the field `error`."""
    grant: str | None = None
    """Of a token request whose grant is known."""


@dataclass(slots=True)
class ReadLines:
    """What has been read so far."""

    requests: int = 0
    other: int = 0
    """Lines of other events."""
    unreadable: int = 0
    broken: str = ""
    """Why a log could not be read to its end; empty: all were."""


def logged_requests(files: Iterable[str], read: ReadLines) -> Iterator[LoggedRequest]:
    """The requests of log files, plain or compressed by gzip; `-` is standard input.

    `read` is kept up to date.

    Raises:
        OSError: a file can't be opened.
    """
    for name in files:
        with _opened(name) as stream:
            try:
                yield from _requests(stream, read)
            except _ERRORS as error:
                read.broken = f"{name}: {error}"


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    with io.FileIO(0, closefd=False) if name == STDIN else Path(name).open("rb", buffering=0) as raw:
        plain = io.BufferedReader(raw)
        if plain.peek(2)[:2] == _GZIP:
            with gzip.GzipFile(fileobj=plain) as unpacked:
                yield io.BufferedReader(unpacked)
        else:
            yield plain


def _requests(stream: BinaryIO, read: ReadLines) -> Iterator[LoggedRequest]:
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                """The rest of a line that is too long."""
            read.unreadable += 1
            continue
        found = parse_line(line.decode("utf-8", "replace").rstrip("\r\n"))
        if isinstance(found, LoggedRequest):
            read.requests += 1
            yield found
        elif found:
            read.other += 1
        else:
            read.unreadable += 1


def parse_line(line: str) -> LoggedRequest | bool:
    """A line of the gateway's log. True: it tells of something else; False: it can't be read."""
    if line.startswith("{"):
        return _parse_json(line)
    match = _TEXT_LINE.fullmatch(line)
    if match is not None:
        return _parse_text(match)
    return not line or line.startswith(_OWN_WORD) or _OTHER_TEXT.match(line) is not None


def _parse_json(line: str) -> LoggedRequest | bool:
    try:
        members = json.loads(line)
        if members.get("logger") != "access":
            return "logger" in members
        return LoggedRequest(
            _text(members["time"]),
            _text(members["method"]),
            _text(members["path"]),
            int(members["status"]),
            _text(members["route"]),
            _text(members["client"]),
            _optional(members.get("host")),
            _optional(members.get("error")),
            "error" in members,
            _optional(members.get("grant")),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _parse_text(match: re.Match[str]) -> LoggedRequest | bool:
    pairs = {name: _unquoted(value) for name, value in _MEMBER.findall(match[6])}
    if not {"route", "client"} <= pairs.keys():
        return False
    known = {name: None if value == "-" else value for name, value in pairs.items()}
    return LoggedRequest(
        match[1],
        _unquoted(match[3]),
        _unquoted(match[4]),
        int(match[5]),
        pairs["route"],
        pairs["client"],
        known.get("host"),
        known.get("error"),
        "error" in pairs,
        known.get("grant"),
    )


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        value = json.loads(value)
    # What `printable` has escaped.
    return _UNESCAPED.sub(lambda match: match[0].encode().decode("unicode_escape"), value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)
