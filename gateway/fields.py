"""Header lines of the plainest shape, read at once. Any other shape is for a full parser."""

from __future__ import annotations

import re

from gateway.exchange import Headers

_NAME = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)"
_VALUE = rb"((?:[!-~\x80-\xff](?:[ -~\t\x80-\xff]*[!-~\x80-\xff])?)?)"
_FIELD = re.compile(_NAME + rb":[ \t]*" + _VALUE + rb"[ \t]*\r\n")


def read_fields(lines: bytes) -> Headers | None:
    """The headers, if every byte belongs to a sound line (RFC 9112 section 5); else None.

    A value comes without the white space around it.
    """
    headers: Headers = []
    place = 0
    while place < len(lines):
        field = _FIELD.match(lines, place)
        if field is None:
            return None
        headers.append((field[1], field[2]))
        place = field.end()
    return headers


def field_lines(headers: Headers) -> bytes:
    """The headers as lines."""
    return b"".join([b"%s: %s\r\n" % item for item in headers])
