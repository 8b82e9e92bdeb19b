"""The ways in which upstreams read one path: as it stands, and as eagerly as common servers do.

Tomcat cuts `;` parameters off a segment, Express and ASP.NET ignore case, others decode `%2F` or merge `//`.
The eager reading does all of it. A path that passes leads to the same route in both readings, so that what
was checked is what any upstream sees.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

DOT_SEGMENTS: Final = frozenset({".", ".."})

# Nothing here to decode, cut off, merge or fold: nearly all paths. Linear, as no segment has a slash. The
# group is not possessive: Python before 3.11.5 keeps what a round of such a group has read and failed on.
_ONE_READING: Final = re.compile(rb"(?:/[a-z0-9\-._~!$&'()*+,=:@\[\]|^]++)*/?\Z")
_ENCODED_SLASH: Final = re.compile(rb"%2f", re.IGNORECASE)
_PARAMETER: Final = re.compile(rb";[^/]*+")
_SLASHES: Final = re.compile(rb"//++")

RouteSegments = tuple[str | None, ...]
"""The segments of a route's path. None: a `{name}`, which takes any one segment that is not empty."""
TEMPLATE: Final = re.compile(r"(?<=/)\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}(?=/|\Z)")
MARK: Final = "\0"
"""Stands for a `{name}`: no path can have it."""


def has_one_reading(path: bytes) -> bool:
    """Whether every upstream reads the path alike. The path has no dot segments: those are refused before."""
    return _ONE_READING.match(path) is not None


def segments_as_they_stand(path: bytes) -> tuple[str, ...]:
    """The path's segments, each percent-decoded once and nothing else done to it."""
    raw = [unquote_to_bytes(segment) if b"%" in segment else segment for segment in path[1:].split(b"/")]
    return tuple(segment.decode("utf-8", "surrogateescape") for segment in raw)


def eager_segments(path: bytes) -> tuple[str, ...]:
    """The path's segments to an upstream that decodes, cuts, merges and folds. Nothing is decoded twice.

    Decoding comes first, then the cut: `admin%3Ba=b` is `admin`. An empty last segment stays: `/a/` is not
    `/a`.
    """
    return _merged(_PARAMETER.sub(b"", unquote_to_bytes(path)))


def _merged(decoded: bytes) -> tuple[str, ...]:
    merged = _SLASHES.sub(b"/", decoded).decode("utf-8", "surrogateescape")
    return tuple(merged[1:].casefold().split("/"))


def eager_readings(path: bytes) -> list[tuple[str, ...]]:
    """The path's segments in the most eager reading: one, or more where it matters what is done first.

    Tomcat cuts before it decodes. That is another path where a parameter has an encoded slash: `a;b%2Fc` is
    `a/c` to who decodes first, and `a` to Tomcat. And where a semicolon is encoded, which then is no
    parameter: `open//%3B` is `open/` to who decodes first, and `open/;` to Tomcat. Others, such as nginx,
    merge and decode, and cut nothing.
    """
    decoded = unquote_to_bytes(path)
    readings = [eager_segments(path)]
    if b";" in decoded:
        cut = _PARAMETER.sub(b"", path)
        readings += [_merged(decoded), _merged(unquote_to_bytes(cut)), eager_segments(cut)]
    return list(dict.fromkeys(readings))


def without_authority(path: bytes, strip: int) -> bytes | None:
    """The path as it is to an upstream that takes what stands between `//` and the next `/` for a host.

    Node's `new URL(target, base)` and Python's `urlsplit` do, where the target begins with `//`: they read
    `//x/admin` as `/admin` (RFC 3986 section 4.2, network-path reference).

    Args:
        path: As it came.
        strip: How many leading segments do not go upstream.
    """
    segments = path[1:].split(b"/")
    prefix, rest = segments[:strip], segments[strip:]
    if len(rest) < 2 or rest[0]:  # noqa: PLR2004 (two slashes make two segments)
        return None
    authority = next((index for index, segment in enumerate(rest) if segment), len(rest))
    return b"/" + b"/".join([*prefix, *rest[authority + 1 :]])


def mark_templates(path: str) -> str:
    """A route's path with `MARK` in place of each `{name}`."""
    return TEMPLATE.sub(MARK, path) if "{" in path else path


def eager_route_segments(path: str) -> RouteSegments:
    """A configured path as an eager upstream reads it. `/` has no segments: it is a prefix of every path."""
    if path == "/":
        return ()
    segments = eager_segments(mark_templates(path).encode())
    return tuple(None if segment == MARK else segment for segment in segments)


def describe_reading(path: bytes) -> str:
    """What an eager reader does to this path, in words: `read with ; parameters cut off and case ignored`."""
    decoded = unquote_to_bytes(path)
    text = decoded.decode("utf-8", "surrogateescape")
    found = {
        "encoded slashes decoded": _ENCODED_SLASH.search(path) is not None,
        "; parameters cut off": b";" in decoded,
        "empty segments merged": b"//" in path,
        "case ignored": text != text.casefold(),
    }
    # Where the path is the same to every reader, it is the route's path that is not.
    words = [word for word, applies in found.items() if applies] or ["case ignored"]
    return "read with " + " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
