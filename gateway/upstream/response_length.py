"""How a response body is delimited, and whether the connection persists (RFC 9112 sections 6.3 and 9.3)."""

from __future__ import annotations

import re
from typing import Final

from gateway.http.exchange import Headers
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.response_handler import UpstreamFraming

_RELEVANT_NAME_LENGTHS: Final = frozenset({10, 14, 17})  # Connection, Content-Length, Transfer-Encoding
_REASON: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")

_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304


def response_framing_of(
    status: int, headers: Headers, *, to_head: bool, http_10: bool
) -> tuple[UpstreamFraming, bool]:
    """How the body is delimited, and whether the connection persists after it.

    The parser has refused a Content-Length that is invalid, repeated, or beside Transfer-Encoding.

    Raises:
        UpstreamBroken: a transfer coding that can't be decoded here.
    """
    length = chunked = False
    options = b""
    for name, value in headers:
        if len(name) not in _RELEVANT_NAME_LENGTHS:
            continue
        lower = name.lower()
        if lower == b"content-length":
            length = True
        elif lower == b"transfer-encoding":
            _require_chunked(value, again=chunked, http_10=http_10)
            chunked = True
        elif lower == b"connection":
            options += b"," + value.lower()
    persistent = _persists(options, http_10=http_10)
    # RFC 9112 section 6.3: any response to a HEAD request, and any 204 or 304, ends with its head.
    if to_head or status in (_NO_CONTENT, _NOT_MODIFIED):
        return UpstreamFraming.NONE, persistent
    if chunked:
        return UpstreamFraming.CHUNKED, persistent
    if length:
        return UpstreamFraming.LENGTH, persistent
    return UpstreamFraming.CLOSE, False


def _require_chunked(value: bytes, *, again: bool, http_10: bool) -> None:
    # RFC 9112 section 6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
    if http_10 or again or value.strip(b" \t").lower() != b"chunked":
        raise UpstreamBroken("transfer coding other than a single chunked")


def _persists(options: bytes, *, http_10: bool) -> bool:
    # RFC 9112 section 9.3: close wins; HTTP/1.0 persists only if it says keep-alive.
    if not options:
        return not http_10
    if options == b",keep-alive":  # what most who say anything say
        return True
    tokens = {token.strip(b" \t") for token in options.split(b",")}
    return b"close" not in tokens and (not http_10 or b"keep-alive" in tokens)


def sound_reason(reason: bytes) -> bool:
    """Whether a reason phrase holds only what RFC 9112 section 4 allows in it."""
    return _REASON.fullmatch(reason) is not None
