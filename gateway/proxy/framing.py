"""How the answer that goes to the caller is framed (RFC 9112 section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.exchange import Header, ResponseHead
from gateway.fields import field_lines
from gateway.proxy.headers import response_headers, response_trailers

# RFC 9110 sections 15.3.5 and 15.4.5: these never have a body.
_BODILESS = frozenset({204, 304})
_SECOND_CLASS = 200


class Body(Enum):
    """How the caller finds the end of a body."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Framing:
    """The framing of one answer."""

    body: Body
    header: Header | None
    """The header that says so."""

    @property
    def must_close(self) -> bool:
        """Whether only closing the connection ends the body."""
        return self.body is Body.CLOSE


_CHUNKED = Framing(Body.CHUNKED, (b"Transfer-Encoding", b"chunked"))
_CLOSE = Framing(Body.CLOSE, None)
NO_BODY = Framing(Body.NONE, None)


def answer_framing(method: str, version: tuple[int, int], response: ResponseHead) -> Framing:
    """The framing for a caller who asked with `method` in HTTP `version`."""
    length = _length(response)
    if method == "HEAD" or response.status in _BODILESS or response.status < _SECOND_CLASS:
        # RFC 9110 section 8.6: Content-Length in an answer to HEAD or in a 304 tells of the body left out;
        # in a 204 it must not stand.
        tells = length is not None and response.status != 204  # noqa: PLR2004 (No Content)
        return Framing(Body.NONE, (b"Content-Length", length)) if tells and length is not None else NO_BODY
    if length is not None:
        return Framing(Body.LENGTH, (b"Content-Length", length))
    # RFC 9112 section 6.1: never Transfer-Encoding in an answer to HTTP/1.0.
    return _CHUNKED if version >= (1, 1) else _CLOSE


def status_line(response: ResponseHead) -> bytes:
    """RFC 9112 section 4."""
    return b"HTTP/1.1 %d %s\r\n" % (response.status, response.reason)


def answer_head(
    response: ResponseHead, framing: Framing, *, keep_alive: bool, version: tuple[int, int]
) -> bytes:
    """The answer's head as it goes over the wire."""
    lines = [status_line(response), field_lines(response.headers)]
    if framing.header is not None:
        lines.append(b"%s: %s\r\n" % framing.header)
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    elif version < (1, 1):
        lines.append(b"Connection: keep-alive\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def informational_head(early: ResponseHead) -> bytes:
    """A 1xx answer on its way to the caller (RFC 9110 section 15.2: a proxy must forward it)."""
    return b"%s%s\r\n" % (status_line(early), field_lines(response_headers(early.headers)))


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 section 7.1). Never the last: `data` must not be empty."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def last_chunk(trailers: list[Header]) -> bytes:
    """The end of a chunked body, with those of the upstream's trailers that go to the caller."""
    if not trailers:
        return b"0\r\n\r\n"
    return b"0\r\n%s\r\n" % field_lines(response_trailers(trailers))


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
