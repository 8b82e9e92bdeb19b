"""Header lines of the plainest shape, read at once. Any other shape is for a full parser.

The same lines come again and again, even where no two heads are the same: each is read once and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from gateway.exchange import Header, Headers

LONGEST_LINE = 512
"""Bytes of a line that is remembered: with the number of them a bound on memory."""
MOST_LINES = 4096

# RFC 9110 section 5.1 and 5.5.
NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
VALUE = rb"(?:[!-~\x80-\xff](?:[ -~\t\x80-\xff]*[!-~\x80-\xff])?)?"
_FIELD = re.compile(rb"(" + NAME + rb"):[ \t]*(" + VALUE + rb")[ \t]*\Z")


def read_fields(lines: bytes) -> Headers | None:
    """The headers, if every byte belongs to a sound line (RFC 9112 section 5); else None.

    A value comes without the white space around it.
    """
    headers: Headers = []
    if not lines:
        return headers
    *all_lines, rest = lines.split(b"\r\n")
    for line in all_lines:
        field = _remembered(line) if len(line) <= LONGEST_LINE else read_field(line)
        if field is None:
            return None
        headers.append(field)
    return None if rest else headers


def read_field(line: bytes) -> Header | None:
    """The header in a line, which comes without its end."""
    field = _FIELD.match(line)
    return None if field is None else (field[1], field[2])


_remembered = lru_cache(maxsize=MOST_LINES)(read_field)


def field_lines(headers: Iterable[Header]) -> bytes:
    """The headers as lines."""
    return b"".join([b"%s: %s\r\n" % item for item in headers])
