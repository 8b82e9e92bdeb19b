"""Judging a request's head before anything is done with it: one request, one meaning (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from gateway.exchange import Header, Headers, Peer, RequestHead
from gateway.faults import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    HEADERS_TOO_LARGE,
    UNKNOWN_METHOD,
    WRONG_VERSION,
    Fault,
)
from gateway.proxy.target import MAX_TARGET, parse_target

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768
MAX_METHOD = 32

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_DIGITS = re.compile(rb"[0-9]{1,18}\Z")
# RFC 3986 section 3.2.2: a registered name, an IPv4 address or a bracketed IPv6 address; then a port.
_HOST = re.compile(rb"(?:[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")


def read_head(
    method: str, raw_target: bytes, version: tuple[int, int], headers: Sequence[Header], peer: Peer
) -> RequestHead:
    """The request's head, found to be unambiguous.

    Raises:
        Fault: what the caller is told instead.
    """
    check_method(method)
    if version not in ((1, 1), (1, 0)):
        raise Fault(WRONG_VERSION, close=True)
    check_size(headers)
    target = parse_target(raw_target, method)
    host = read_host(headers, version, target.authority)
    if target.authority is not None:
        headers = _with_host(headers, target.authority)
    check_framing(headers, version)
    return RequestHead(
        method=method,
        target=target.raw,
        path=target.path,
        segments=target.segments,
        query=target.query,
        host=host,
        headers=tuple(headers),
        peer=peer,
        version=version,
    )


# RFC 9112 section 3: method SP request-target SP HTTP-version CRLF, with exactly one space each.
_REQUEST_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [!-~\x80-\xff]+ HTTP/([0-9]\.[0-9])\r?\n")
_LONG_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{33}")


def check_request_line(data: bytes) -> None:
    """Judges the first bytes of a request, before a parser that is more lenient sees them.

    Raises:
        Fault: 501 for a method longer than any that is served, 400 for a malformed line, 505 for a version
            that is not spoken here.
    """
    if _LONG_METHOD.match(data):
        raise Fault(UNKNOWN_METHOD, close=True)
    # RFC 9112 section 2.2: an empty line before the request line should be ignored.
    start = data[:MAX_TARGET]
    while start.startswith(b"\r\n"):
        start = start[2:]
    if b"\n" not in start:
        return
    found = _REQUEST_LINE.match(start)
    if found is None:
        raise Fault(BAD_REQUEST, "The request line is malformed.", close=True)
    if found[1] not in (b"1.1", b"1.0"):
        raise Fault(WRONG_VERSION, close=True)


def check_method(method: str) -> None:
    """RFC 9112 section 3: a method longer than any that is served is 501."""
    if len(method) > MAX_METHOD:
        raise Fault(UNKNOWN_METHOD, close=True)
    if not _TOKEN.match(method):
        raise Fault(BAD_REQUEST, "The method is malformed.", close=True)
    if method == "CONNECT":
        raise Fault(UNKNOWN_METHOD, close=True)


def check_size(headers: Sequence[Header]) -> None:
    """Headers that are too many or too large are 431 (RFC 6585 section 5)."""
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise Fault(HEADERS_TOO_LARGE, close=True)


def read_host(headers: Sequence[Header], version: tuple[int, int], authority: bytes | None) -> str:
    """The host that is asked for, in lower case.

    RFC 9112 section 3.2: a request without Host, with more than one, or with an invalid one is 400.
    """
    values = [value for name, value in headers if len(name) == 4 and name.lower() == b"host"]  # noqa: PLR2004 (the length of "host")
    if len(values) > 1 or (not values and version == (1, 1)):
        raise Fault(BAD_REQUEST, "There must be one Host header.", close=True)
    if values and not valid_host(values[0]):
        raise Fault(BAD_REQUEST, "The Host header is invalid.", close=True)
    if authority is not None:
        if not valid_host(authority):
            raise Fault(BAD_REQUEST, "The request target is malformed.", close=True)
        # RFC 9112 section 3.2.2: the Host header is ignored where the target has a host.
        return authority.decode("ascii").lower()
    return values[0].decode("ascii").lower() if values else ""


def _with_host(headers: Sequence[Header], host: bytes) -> Headers:
    """RFC 9112 section 3.2.2: who forwards a target in absolute-form replaces Host by the target's."""
    return [(b"Host", host), *(item for item in headers if item[0].lower() != b"host")]


@lru_cache(maxsize=1024)
def valid_host(value: bytes) -> bool:
    """Whether `value` can be a Host header."""
    return _HOST.match(value) is not None


def check_framing(headers: Sequence[Header], version: tuple[int, int]) -> None:
    """RFC 9112 sections 6.1 to 6.3: a body whose end could be read in two ways is refused."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for name, value in headers:
        size = len(name)
        if size == 14 and name.lower() == b"content-length":  # noqa: PLR2004 (the name's length)
            lengths.append(value)
        elif size == 17 and name.lower() == b"transfer-encoding":  # noqa: PLR2004 (the name's length)
            codings.append(value)
    if codings:
        if lengths or version == (1, 0):
            raise Fault(BAD_REQUEST, "Transfer-Encoding can't stand here.", close=True)
        _check_codings(codings)
    if len(lengths) > 1 or (lengths and not _DIGITS.match(lengths[0])):
        raise Fault(BAD_REQUEST, "Content-Length is invalid.", close=True)


def _check_codings(codings: list[bytes]) -> None:
    names = [coding.strip().lower() for value in codings for coding in value.split(b",")]
    # RFC 9112 section 6.1: chunked must be the last one, else the end can't be found.
    if names[-1] != b"chunked" or names.count(b"chunked") > 1:
        raise Fault(BAD_REQUEST, "Transfer-Encoding must end in chunked.", close=True)
    if len(names) > 1:
        raise Fault(UNKNOWN_METHOD, "This transfer coding is not known.", close=True)


def content_length(headers: Sequence[Header]) -> int | None:
    """The body's declared length in bytes; None where it is chunked or absent. Judged before."""
    for name, value in headers:
        if len(name) == 14 and name.lower() == b"content-length":  # noqa: PLR2004 (the name's length)
            return int(value)
    return None


def check_length(headers: Sequence[Header], limit: int) -> None:
    """A body that says it is larger than `limit` bytes is refused before it is read."""
    length = content_length(headers)
    if length is not None and length > limit:
        raise Fault(BODY_TOO_LARGE, close=True)
