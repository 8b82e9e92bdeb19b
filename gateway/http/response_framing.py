"""How the answer that goes to the client is framed (RFC 9112 section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.http.exchange import Header, ResponseHead
from gateway.http.forwarding_headers import response_headers, response_trailers
from gateway.http.header_fields import render_header_lines

# RFC 9110 sections 15.3.5 and 15.4.5: these never have a body.
_BODILESS: Final = frozenset({204, 304})
_SECOND_CLASS: Final = 200


class BodyDelimiter(Enum):
    """How the client finds the end of a body."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class ResponseFraming:
    """The framing of one answer."""

    body: BodyDelimiter
    header: Header | None
    """The header that says so."""

    @property
    def must_close(self) -> bool:
        """Whether only closing the connection ends the body."""
        return self.body is BodyDelimiter.CLOSE


_CHUNKED: Final = ResponseFraming(BodyDelimiter.CHUNKED, (b"Transfer-Encoding", b"chunked"))
_CLOSE: Final = ResponseFraming(BodyDelimiter.CLOSE, None)
NO_BODY: Final = ResponseFraming(BodyDelimiter.NONE, None)


def response_framing(method: str, version: tuple[int, int], response: ResponseHead) -> ResponseFraming:
    """The framing for a client who asked with `method` in HTTP `version`."""
    length = _length(response)
    if method == "HEAD" or response.status in _BODILESS or response.status < _SECOND_CLASS:
        # RFC 9110 section 8.6: Content-Length in an answer to HEAD or in a 304 tells of the body left out;
        # in a 204 it must not stand.
        tells = length is not None and response.status != 204  # noqa: PLR2004 (No Content)
        return (
            ResponseFraming(BodyDelimiter.NONE, (b"Content-Length", length))
            if tells and length is not None
            else NO_BODY
        )
    if length is not None:
        return ResponseFraming(BodyDelimiter.LENGTH, (b"Content-Length", length))
    # RFC 9112 section 6.1: never Transfer-Encoding in an answer to HTTP/1.0.
    return _CHUNKED if version >= (1, 1) else _CLOSE


def status_line(response: ResponseHead) -> bytes:
    """RFC 9112 section 4."""
    return b"HTTP/1.1 %d %s\r\n" % (response.status, response.reason)


def response_head(
    response: ResponseHead, framing: ResponseFraming, *, keep_alive: bool, version: tuple[int, int]
) -> bytes:
    """The answer's head as it goes over the wire."""
    lines = [status_line(response), render_header_lines(response.headers)]
    if framing.header is not None:
        lines.append(b"%s: %s\r\n" % framing.header)
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    elif version < (1, 1):
        lines.append(b"Connection: keep-alive\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def informational_head(early: ResponseHead) -> bytes:
    """A 1xx answer on its way to the client (RFC 9110 section 15.2: a proxy must forward it)."""
    return b"%s%s\r\n" % (status_line(early), render_header_lines(response_headers(early.headers)))


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 section 7.1). Never the last: `data` must not be empty."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def last_chunk(trailers: list[Header]) -> bytes:
    """The end of a chunked body, with those of the upstream's trailers that go to the client."""
    if not trailers:
        return b"0\r\n\r\n"
    return b"0\r\n%s\r\n" % render_header_lines(response_trailers(trailers))


def declared_length(response: ResponseHead) -> int | None:
    """Bytes of the body as the head tells them; None where it does not."""
    length = _length(response)
    return int(length) if length is not None and length.isdigit() else None


def _length(response: ResponseHead) -> bytes | None:
    """The declared length, unless the body is chunked: its length is not known then."""
    length = None
    for name, value in response.headers:
        size = len(name)
        if size == 14 and name.lower() == b"content-length":  # noqa: PLR2004 (the name's length)
            length = value
        elif size == 17 and name.lower() == b"transfer-encoding":  # noqa: PLR2004 (the name's length)
            return None
    return length
