"""Judging a request's head before anything is done with it: one request, one meaning (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.http.exchange import Header, Headers, Peer, RequestHead
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.limit_names import BODY, HEAD, HEADERS
from gateway.http.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    HEADERS_TOO_LARGE,
    UNKNOWN_METHOD,
    WRONG_VERSION,
    Problem,
)
from gateway.http.request_target import parse_target
from gateway.http.token_syntax import TCHAR, TOKEN, is_token
from gateway.runtime.caches import MIB, cached, register

MAX_METHOD: Final = 32
_REST_OF_LINE: Final = MAX_METHOD + len("  HTTP/1.1\r\n")
"""Bytes of a request line beside its target."""
MAX_HOST: Final = 261
"""RFC 1035 section 2.3.4: a name has at most 255 octets; then a colon and a port of up to five digits."""

_DIGITS: Final = re.compile(rb"[0-9]{1,18}\Z")
# RFC 3986 section 3.2.2: a registered name, an IPv4 address or a bracketed IPv6 address; then a port.
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")


def read_head(
    method: str,
    raw_target: bytes,
    version: tuple[int, int],
    headers: Sequence[Header],
    peer: Peer,
    limits: RequestHeadLimits = DEFAULT_LIMITS,
) -> RequestHead:
    """The request's head, found to be unambiguous.

    Raises:
        Problem: the request is malformed, ambiguous or too large.
    """
    check_method(method)
    if version not in ((1, 1), (1, 0)):
        raise Problem(WRONG_VERSION, close=True)
    check_size(headers, limits)
    target = parse_target(raw_target, method, limits.target)
    host = read_host(headers, version, target.authority)
    if target.authority is not None:
        headers = _with_host(headers, target.authority)
    check_framing(headers, version)
    check_singletons(headers)
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
_REQUEST_LINE: Final = re.compile(TOKEN.encode() + rb" [!-~\x80-\xff]++ HTTP/([0-9]\.[0-9])\r?\n")
_LONG_METHOD: Final = re.compile(TCHAR.encode() + rb"{33}")
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)*")


def check_request_line(data: bytes, longest: int = DEFAULT_LIMITS.target) -> bool:
    """Judges the first bytes of a request, before a parser that is more lenient sees them.

    Returns:
        Whether enough has come: the line is whole, or longer than any that is let through.

    Raises:
        Problem: 501 for a method longer than any that is served, 400 for a malformed line, 505 for a version
            that is not spoken here.
    """
    if _LONG_METHOD.match(data):
        raise Problem(UNKNOWN_METHOD, close=True)
    # RFC 9112 section 2.2: an empty line before the request line should be ignored.
    start = data[: longest + _REST_OF_LINE]
    empty = _EMPTY_LINES.match(start)
    start = start[empty.end() :] if empty is not None else start
    if b"\n" not in start:
        return len(data) >= longest + _REST_OF_LINE
    found = _REQUEST_LINE.match(start)
    if found is None:
        raise Problem(BAD_REQUEST, "The request line is malformed.", close=True)
    if found[1] not in (b"1.1", b"1.0"):
        raise Problem(WRONG_VERSION, close=True)
    return True


def check_method(method: str) -> None:
    """RFC 9112 section 3: a method longer than any that is served is 501. A malformed one is 400."""
    if len(method) > MAX_METHOD:
        raise Problem(UNKNOWN_METHOD, close=True)
    if not is_token(method):
        raise Problem(BAD_REQUEST, "The method is malformed.", close=True)
    if method == "CONNECT":
        raise Problem(UNKNOWN_METHOD, close=True)


def check_size(headers: Sequence[Header], limits: RequestHeadLimits = DEFAULT_LIMITS) -> None:
    """Headers that are too many or too large are 431 (RFC 6585 section 5)."""
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
    if len(headers) > limits.headers or size > limits.head:
        passed = HEADERS if len(headers) > limits.headers else HEAD
        raise Problem(HEADERS_TOO_LARGE, close=True, limit=passed)


def read_host(headers: Sequence[Header], version: tuple[int, int], authority: bytes | None) -> str:
    """The host that is asked for, in lower case.

    RFC 9112 section 3.2: a request without Host, with more than one, or with an invalid one is 400.
    """
    values = [value for name, value in headers if len(name) == 4 and name.lower() == b"host"]  # noqa: PLR2004 (the length of "host")
    if len(values) > 1 or (not values and version == (1, 1)):
        raise Problem(BAD_REQUEST, "There must be one Host header.", close=True)
    if values and not valid_host(values[0]):
        raise Problem(BAD_REQUEST, "The Host header is invalid.", close=True)
    if authority is not None:
        if not valid_host(authority):
            raise Problem(BAD_REQUEST, "The request target is malformed.", close=True)
        # RFC 9112 section 3.2.2: the Host header is ignored where the target has a host.
        return authority.decode("ascii").lower()
    return values[0].decode("ascii").lower() if values else ""


def _with_host(headers: Sequence[Header], host: bytes) -> Headers:
    """RFC 9112 section 3.2.2: who forwards a target in absolute-form replaces Host by the target's."""
    return [(b"Host", host), *(item for item in headers if item[0].lower() != b"host")]


_HOSTS: Final = register("hosts", __name__, entries=1024, key_bytes=MAX_HOST, total_bytes=1 * MIB)


@cached(_HOSTS)
def valid_host(value: bytes) -> bool:
    """Whether `value` can be a Host header."""
    return len(value) <= MAX_HOST and _HOST.match(value) is not None


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
            raise Problem(BAD_REQUEST, "Transfer-Encoding can't stand here.", close=True)
        _check_codings(codings)
    if len(lengths) > 1 or (lengths and not _DIGITS.match(lengths[0])):
        raise Problem(BAD_REQUEST, "Content-Length is invalid.", close=True)


def _check_codings(codings: list[bytes]) -> None:
    names = [coding.strip().lower() for value in codings for coding in value.split(b",")]
    # RFC 9112 section 6.1: chunked must be the last one, else the end can't be found.
    if names[-1] != b"chunked" or names.count(b"chunked") > 1:
        raise Problem(BAD_REQUEST, "Transfer-Encoding must end in chunked.", close=True)
    if len(names) > 1:
        raise Problem(UNKNOWN_METHOD, "This transfer coding is not known.", close=True)


# Authorization is not among them: two of them are answered with a challenge (`gateway.oauth.bearer`).
_SINGLETONS: Final = frozenset(
    {
        b"content-length",
        b"content-location",
        b"content-range",
        b"content-type",
        b"etag",
        b"host",
        b"max-forwards",
        b"server",
        b"transfer-encoding",
        b"user-agent",
    }
)


def check_singletons(headers: Sequence[Header]) -> None:
    """RFC 9110 section 5.3: what is no list must not be repeated; recipients differ in which they take."""
    names = [name.lower() for name, _ in headers]
    if len(set(names)) < len(names):
        repeated = next((name for name in names if name in _SINGLETONS and names.count(name) > 1), None)
        if repeated is not None:
            raise Problem(BAD_REQUEST, f"The header {repeated.decode()} is repeated.", close=True)


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
        raise Problem(BODY_TOO_LARGE, close=True, limit=BODY)
