"""The paths that a route may have: those that a request can match in one way only."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# RFC 3986 section 3.3: pchar and "/", with percent-encoded octets.
PATH = re.compile(r"/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
LONGEST = 2048
_DOTS = (".", "..")


def path_segments(path: str) -> tuple[str, ...]:
    """The segments of a route's path, percent-decoded once; none for `/`, the prefix of every path."""
    if path == "/":
        return ()
    return tuple(unquote_to_bytes(part).decode("utf-8") for part in path.split("/")[1:])


def check_path(path: str) -> str:
    """Refuses a path that no request can match, or that two readers could take for different ones."""
    if not path.startswith("/"):
        raise ValueError("must begin with /")
    if "?" in path or "#" in path:
        raise ValueError("must not have a query (?) or a fragment (#): only paths are matched")
    if "//" in path:
        raise ValueError("can never match: requests with // in their path are refused")
    if len(path) > LONGEST or not PATH.fullmatch(path):
        raise ValueError("must be a URL path; other characters go percent-encoded, as in /caf%C3%A9")
    if path != "/" and path.endswith("/"):
        raise ValueError("must not end with /: a prefix matches whole segments, what lies beneath it too")
    try:
        segments = path_segments(path)
    except UnicodeDecodeError:
        raise ValueError("must be UTF-8 where it is percent-encoded") from None
    for segment in segments:
        _check_segment(segment)
    return path


def _check_segment(segment: str) -> None:
    if segment.partition(";")[0] in _DOTS:
        raise ValueError("can never match: requests with . or .. as a segment are refused")
    if any(octet in segment for octet in ("/", "\\", "\0")):
        raise ValueError(r"can never match: requests with an encoded /, \ or NUL are refused")
