"""Header lines of the plainest shape, read at once. Any other shape is for a full parser.

The same lines come again and again, even where no two heads are the same: each is read once and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.http.exchange import Header, Headers
from gateway.http.token_syntax import TOKEN
from gateway.runtime.caches import MIB, cached, register

_LINES: Final = register("header lines", __name__, entries=4096, key_bytes=512, total_bytes=6 * MIB)

# RFC 9110 section 5.1 and 5.5.
NAME: Final = TOKEN.encode()
VALUE: Final = rb"(?:[!-~\x80-\xff](?:[ -~\t\x80-\xff]*[!-~\x80-\xff])?)?"
_FIELD: Final = re.compile(rb"(" + NAME + rb"):[ \t]*+(" + VALUE + rb")[ \t]*\Z")


def parse_header_lines(lines: bytes) -> Headers | None:
    """The headers, if every byte belongs to a sound line (RFC 9112 section 5); else None.

    A value comes without the white space around it.
    """
    headers: Headers = []
    if not lines:
        return headers
    *all_lines, rest = lines.split(b"\r\n")
    for line in all_lines:
        field = parse_header_line(line)
        if field is None:
            return None
        headers.append(field)
    return None if rest else headers


@cached(_LINES)
def parse_header_line(line: bytes) -> Header | None:
    """The header in a line, which comes without its end."""
    field = _FIELD.match(line)
    return None if field is None else (field[1], field[2])


def render_header_lines(headers: Iterable[Header]) -> bytes:
    """The headers as lines."""
    lines = []
    for item in headers:
        lines.append(b": ".join(item))  # noqa: PERF401 (every request comes here: this is the fastest way)
    # The empty one gives the last line its end, too.
    lines.append(b"")
    return b"\r\n".join(lines)
