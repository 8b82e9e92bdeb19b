"""Reading a request target so that what was checked is what the upstream sees.

A path that an upstream could read in another way than the gateway does is refused, never mended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.faults import BAD_REQUEST, TARGET_TOO_LONG, Fault

MAX_TARGET = 8190
"""Bytes of a request target (RFC 9112 section 3 asks for at least 8000)."""

# RFC 3986 section 3.3: pchar, "/" and the percent sign; all else in a path is malformed.
_PATH = re.compile(rb"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*\Z")
# RFC 3986 section 3.4; browsers send these further characters in a query without encoding them.
_QUERY = re.compile(rb"""[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]{}|^`"<>\\]*\Z""")
_PLAIN = re.compile(rb"/[A-Za-z0-9\-_~/]*\Z")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Overlong UTF-8 spellings of "." "/" and "\", which some decoders still take.
_OVERLONG = re.compile(rb"\xc0[\xae\xaf]|\xc1\x9c|\xe0\x80[\xae\xaf]|\xe0\x81\x9c")


@dataclass(frozen=True, slots=True)
class Target:
    """A request target in origin-form."""

    raw: bytes
    path: bytes
    segments: tuple[str, ...]
    query: bytes | None
    authority: bytes | None = None
    """The host of a target in absolute-form."""


ASTERISK = b"*"
_SERVER_ITSELF = Target(ASTERISK, ASTERISK, (), None)


def parse_target(raw: bytes, method: str = "GET") -> Target:
    """The parts of a request target.

    RFC 9112 section 3.2.4: the asterisk-form is for OPTIONS alone, and asks about the server itself.

    Raises:
        Fault: 414 where it is too long, 400 where it is malformed or ambiguous.
    """
    if len(raw) > MAX_TARGET:
        raise Fault(TARGET_TOO_LONG, close=True)
    authority = None
    if not raw.startswith(b"/"):
        if raw == ASTERISK and method == "OPTIONS":
            return _SERVER_ITSELF
        authority, raw = _absolute(raw)
    path, mark, query = raw.partition(b"?")
    if mark and not _QUERY.match(query):
        raise Fault(BAD_REQUEST, "The query has characters that must be percent-encoded.")
    return Target(raw, path, path_segments(path), query if mark else None, authority)


def path_segments(path: bytes) -> tuple[str, ...]:
    """The path's segments, percent-decoded once.

    Raises:
        Fault: 400 where an upstream could read the path in another way.
    """
    if b"//" not in path and _PLAIN.match(path):  # nearly all of them
        return tuple(path[1:].decode("ascii").split("/"))
    if not _PATH.match(path):
        raise Fault(BAD_REQUEST, "The path has characters that must be percent-encoded.")
    if b"//" in path:
        raise Fault(BAD_REQUEST, "The path has an empty segment.")
    if _BAD_ESCAPE.search(path):
        raise Fault(BAD_REQUEST, "A percent sign is not followed by two hexadecimal digits.")
    return tuple(_decoded(segment) for segment in path[1:].split(b"/"))


def _decoded(segment: bytes) -> str:
    decoded = unquote_to_bytes(segment)
    if b"/" in decoded or b"\\" in decoded or b"\0" in decoded:
        raise Fault(BAD_REQUEST, "The path has an encoded slash, backslash or NUL.")
    # A parameter behind ";" is cut off by some upstreams before they look at the dots.
    if decoded.partition(b";")[0] in (b".", b".."):
        raise Fault(BAD_REQUEST, "The path has a dot segment.")
    if _OVERLONG.search(decoded):
        raise Fault(BAD_REQUEST, "The path has an overlong encoding.")
    return decoded.decode("utf-8", "surrogateescape")


def _absolute(raw: bytes) -> tuple[bytes, bytes]:
    """RFC 9112 section 3.2.2: a server must accept the absolute-form; its host replaces Host."""
    scheme, mark, rest = raw.partition(b"://")
    if not mark or scheme.lower() not in (b"http", b"https"):
        raise Fault(BAD_REQUEST, "The request target is malformed.")
    end = min((rest.find(char) for char in (b"/", b"?") if char in rest), default=len(rest))
    authority, origin = rest[:end], rest[end:]
    if not authority or b"@" in authority:
        raise Fault(BAD_REQUEST, "The request target is malformed.")
    return authority, origin if origin.startswith(b"/") else b"/" + origin
