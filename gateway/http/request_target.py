"""Reading a request target so that what was checked is what the upstream sees.

What no two servers read alike is refused here, never corrected: dot segments, backslashes, controls. Whether
the other readings of a path lead to the same route is for the route table to say (`path_readings`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.http.head_limits import DEFAULT_LIMITS
from gateway.http.limit_names import TARGET
from gateway.http.problems import BAD_REQUEST, TARGET_TOO_LONG, Problem

# RFC 3986 section 3.3: pchar, "/" and the percent sign. The URL Standard lets browsers send "[", "]" and "|"
# raw in a path, and older ones send "^" so. All else is malformed.
_PATH: Final = re.compile(rb"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/\[\]|^]*+\Z")
# RFC 3986 section 3.4; browsers send these further characters in a query without encoding them.
_QUERY: Final = re.compile(rb"""[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]{}|^`"<>\\]*+\Z""")
_PLAIN: Final = re.compile(rb"/[A-Za-z0-9\-_~/]*+\Z")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Also the controls beyond ASCII, U+0080 to U+009F.
NOT_IN_PATHS: Final = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")
# Overlong UTF-8 spellings of "." "/" and "\", which some decoders still take.
_OVERLONG: Final = re.compile(rb"\xc0[\xae\xaf]|\xc1\x9c|\xe0\x80[\xae\xaf]|\xe0\x81\x9c")


@dataclass(frozen=True, slots=True)
class Target:
    """A request target in origin-form."""

    raw: bytes
    path: bytes
    segments: tuple[str, ...]
    query: bytes | None
    authority: bytes | None = None
    """The host of a target in absolute-form."""


ASTERISK: Final = b"*"
_SERVER_ITSELF: Final = Target(ASTERISK, ASTERISK, (), None)


def parse_target(raw: bytes, method: str = "GET", longest: int = DEFAULT_LIMITS.target) -> Target:
    """The parts of a request target.

    RFC 9112 section 3.2.4: the asterisk-form is for OPTIONS alone, and asks about the server itself.

    Raises:
        Problem: 414 where it is too long, 400 where it is malformed or ambiguous.
    """
    if len(raw) > longest:
        raise Problem(TARGET_TOO_LONG, close=True, limit=TARGET)
    authority = None
    if not raw.startswith(b"/"):
        if raw == ASTERISK and method == "OPTIONS":
            return _SERVER_ITSELF
        authority, raw = _absolute(raw)
    path, mark, query = raw.partition(b"?")
    if mark and not _QUERY.match(query):
        raise Problem(BAD_REQUEST, "The query has characters that must be percent-encoded.")
    return Target(raw, path, path_segments(path), query if mark else None, authority)


def path_segments(path: bytes) -> tuple[str, ...]:
    """The path's segments, percent-decoded once.

    Raises:
        Problem: 400 where the path is malformed, or has what upstreams are known to read in different ways.
    """
    if _PLAIN.match(path):  # nearly all of them
        return tuple(path[1:].decode("ascii").split("/"))
    if not _PATH.match(path):
        raise Problem(BAD_REQUEST, "The path has characters that must be percent-encoded.")
    if _BAD_ESCAPE.search(path):
        raise Problem(BAD_REQUEST, "A percent sign is not followed by two hexadecimal digits.")
    return tuple(_decoded(segment) for segment in path[1:].split(b"/"))


def _decoded(segment: bytes) -> str:
    octets = unquote_to_bytes(segment)
    # A parameter behind ";" is cut off by some upstreams before they look at the dots.
    if octets.partition(b";")[0] in (b".", b".."):
        raise Problem(BAD_REQUEST, "The path has a dot segment.")
    if _OVERLONG.search(octets):
        raise Problem(BAD_REQUEST, "The path has an overlong encoding.")
    decoded = octets.decode("utf-8", "surrogateescape")
    if NOT_IN_PATHS.search(decoded):
        raise Problem(BAD_REQUEST, "The path has an encoded backslash or control character.")
    return decoded


def _absolute(raw: bytes) -> tuple[bytes, bytes]:
    """RFC 9112 section 3.2.2: a server must accept the absolute-form; its host replaces Host."""
    scheme, mark, rest = raw.partition(b"://")
    if not mark or scheme.lower() not in (b"http", b"https"):
        raise Problem(BAD_REQUEST, "The request target is malformed.")
    end = min((rest.find(char) for char in (b"/", b"?") if char in rest), default=len(rest))
    authority, origin = rest[:end], rest[end:]
    if not authority or b"@" in authority:
        raise Problem(BAD_REQUEST, "The request target is malformed.")
    return authority, origin if origin.startswith(b"/") else b"/" + origin
