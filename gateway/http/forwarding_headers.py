"""Which headers pass, and which the gateway adds (RFC 9110 section 7.6)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from gateway.http.exchange import Header, Headers, RequestHead, ResponseHead
from gateway.http.header_fields import render_header_lines
from gateway.http.header_names import HOP_BY_HOP, is_identity, is_override
from gateway.oauth.model import TokenInfo
from gateway.runtime.caches import MIB, cached, cached_by_size, register

VIA: Final = b"gatepost"


# A response to the client is framed anew for the client.
RESPONSE_DROPS: Final = HOP_BY_HOP | {b"content-length"}


class _Rule(IntEnum):
    PASS = 0
    DROP = 1
    CONNECTION = 2
    AUTHORIZATION = 3
    VIA = 4
    OVERRIDE = 5


_REQUEST_NAMES: Final = register(
    "names of request headers", __name__, entries=2048, key_bytes=128, total_bytes=1 * MIB
)
_RESPONSE_NAMES: Final = register(
    "names of response headers", __name__, entries=2048, key_bytes=128, total_bytes=1 * MIB
)


@cached(_REQUEST_NAMES)
def _request_rule(name: bytes) -> _Rule:
    """What is done with a request header of this name."""
    lower = name.lower()
    if lower == b"connection":
        return _Rule.CONNECTION
    # A DPoP proof is made for the gateway alone, as the token is.
    if lower in (b"authorization", b"dpop"):
        return _Rule.AUTHORIZATION
    if lower == b"via":
        return _Rule.VIA
    # A message's framing is the next hop's own; Expect is answered here; request trailers do not pass.
    if lower in HOP_BY_HOP or lower in (b"expect", b"trailer"):
        return _Rule.DROP
    if is_override(lower):
        return _Rule.OVERRIDE
    return _Rule.DROP if is_identity(lower) else _Rule.PASS


@cached(_RESPONSE_NAMES)
def _response_rule(name: bytes) -> _Rule:
    """What is done with a response header of this name."""
    lower = name.lower()
    if lower == b"connection":
        return _Rule.CONNECTION
    return _Rule.DROP if lower in RESPONSE_DROPS else _Rule.PASS


def request_headers(
    request: RequestHead, *, forward_token: bool, allowed: frozenset[bytes] = frozenset()
) -> Headers:
    """The client's headers that go upstream, byte for byte and in their order.

    Args:
        request: What came.
        forward_token: Whether the client's credentials go upstream.
        allowed: Names in lower case of headers that would be removed as an override of method or path.
    """
    kept: Headers = []
    nominated: frozenset[bytes] = frozenset()
    via: list[bytes] = []
    for item in request.headers:
        rule = _request_rule(item[0])
        if rule is _Rule.PASS or (rule is _Rule.AUTHORIZATION and forward_token):
            kept.append(item)
        elif rule is _Rule.OVERRIDE:
            if item[0].lower() in allowed:
                kept.append(item)
        elif rule is _Rule.CONNECTION:
            nominated |= nominees(item[1])
        elif rule is _Rule.VIA:
            via.append(item[1])
    if nominated:
        kept = [item for item in kept if item[0].lower() not in nominated]
    # RFC 9110 section 7.6.3: a gateway must send Via in each request that it forwards.
    via.append(b"%d.%d %s" % (*request.version, VIA))
    kept.append((b"Via", b", ".join(via)))
    return kept


def with_host(headers: Headers, host: bytes) -> Headers:
    """The headers with another Host, in the place where it stood; first where there was none."""
    named = [(name, host) if name.lower() == b"host" else (name, value) for name, value in headers]
    # RFC 9112 section 3.2: a request in HTTP/1.1 must have a Host; one in HTTP/1.0 may have come without.
    return named if any(name.lower() == b"host" for name, _ in named) else [(b"Host", host), *named]


# What frames or addresses a message can't be taken out of it by naming it in Connection.
_NOT_NOMINABLE: Final = frozenset({b"host", b"content-length", b"close", b"keep-alive"})


_CONNECTION: Final = register(
    "values of Connection", __name__, entries=256, key_bytes=128, total_bytes=2 * MIB
)


@cached(_CONNECTION)
def nominees(connection: bytes) -> frozenset[bytes]:
    """The header names that a Connection header asks to be dropped (RFC 9110 section 7.6.1)."""
    names = {name.strip().lower() for name in connection.split(b",")}
    return frozenset(names - _NOT_NOMINABLE)


IDENTITY_NAMES: Final = frozenset(
    {
        b"x-request-id",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-client-id",
        b"x-authenticated-scope",
        b"x-authenticated-userid",
    }
)
"""The names in lower case of all headers that `identity_headers` makes."""


def identity_headers(request: RequestHead, request_id: str, token: TokenInfo | None) -> Headers:
    """The headers in which the upstream reads who sent the request."""
    return [(b"X-Request-Id", request_id.encode()), *_identity_lines(*_identity_of(request, token))]


def identity_header_lines(request: RequestHead, token: TokenInfo | None) -> bytes:
    """The same as lines, but for the request's id, which stands before them."""
    return _identity_line_cache(*_identity_of(request, token))


_IdentityLines = tuple[bytes, str, bytes | None, str, str | None, tuple[str, ...], str | None]


def _identity_of(request: RequestHead, token: TokenInfo | None) -> _IdentityLines:
    """What the cached identity headers depend on."""
    peer = request.peer
    way = (peer.forwarded_for, peer.scheme, peer.forwarded_host, request.host)
    if token is None:
        return (*way, None, (), None)
    return (*way, token.client, token.scopes, token.user)


def _identity_size(
    address: bytes,
    scheme: str,
    forwarded: bytes | None,
    host: str,
    client: str | None,
    scopes: tuple[str, ...],
    user: str | None,
) -> int:
    """Bytes of what identity headers are made of; each scope is a text of its own."""
    texts = (address, scheme, forwarded, host, client, user)
    return sum([len(text) for text in texts if text]) + sum(map(len, scopes)) + 50 * len(scopes)


_IDENTITIES: Final = register("identity headers", __name__, entries=2048, key_bytes=768, total_bytes=12 * MIB)
_IDENTITY_LINES: Final = register(
    "lines of identity headers", __name__, entries=2048, key_bytes=768, total_bytes=12 * MIB
)


@cached_by_size(_IDENTITIES, _identity_size)
def _identity_lines(
    address: bytes,
    scheme: str,
    forwarded: bytes | None,
    host: str,
    client: str | None,
    scopes: tuple[str, ...],
    user: str | None,
) -> tuple[Header, ...]:
    headers = _forwarded_headers(address, scheme, forwarded or host.encode())
    return tuple(headers if client is None else headers + _client_headers(client, scopes, user))


@cached_by_size(_IDENTITY_LINES, _identity_size)
def _identity_line_cache(
    address: bytes,
    scheme: str,
    forwarded: bytes | None,
    host: str,
    client: str | None,
    scopes: tuple[str, ...],
    user: str | None,
) -> bytes:
    return render_header_lines(_identity_lines(address, scheme, forwarded, host, client, scopes, user))


def _forwarded_headers(address: bytes, scheme: str, host: bytes) -> Headers:
    return [
        (b"X-Forwarded-For", address),
        (b"X-Forwarded-Proto", scheme.encode()),
        (b"X-Forwarded-Host", host),
    ]


def _client_headers(client: str, scopes: tuple[str, ...], user: str | None) -> Headers:
    headers: Headers = [
        (b"X-Client-Id", client.encode()),
        (b"X-Authenticated-Scope", " ".join(scopes).encode()),
    ]
    if user is not None:
        headers.append((b"X-Authenticated-UserId", header_text(user)))
    return headers


def client_headers(token: TokenInfo | None) -> Headers:
    """Those of them that say who the client is; none where that is not known."""
    return [] if token is None else _client_headers(token.client, token.scopes, token.user)


def header_text(text: str) -> bytes:
    """`text` as a header value: UTF-8, percent-encoded where a header can't carry it.

    That is what can't be printed, spaces at either end, and `%` itself: no two texts have the same value.
    """
    inner = text.strip(" ")
    begin = text.index(inner)
    return b"".join(
        char.encode()
        if begin <= at < begin + len(inner) and char.isprintable() and char != "%"
        # Half a character of UTF-16 is nobody's name, and must not end in an error here.
        else b"".join(b"%%%02X" % byte for byte in char.encode("utf-8", "surrogatepass"))
        for at, char in enumerate(text)
    )


def response_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The upstream's headers that go to the client, without those of framing."""
    kept: Headers = []
    nominated: frozenset[bytes] = frozenset()
    for item in headers:
        rule = _response_rule(item[0])
        if rule is _Rule.PASS:
            kept.append(item)
        elif rule is _Rule.CONNECTION:
            nominated |= nominees(item[1])
    if nominated:
        kept = [item for item in kept if item[0].lower() not in nominated]
    return kept


def client_head(head: ResponseHead) -> ResponseHead:
    """The upstream's head as it goes to the client, before plugins change it: one that may be changed."""
    return ResponseHead(head.status, head.reason, response_headers(head.headers), head.version)


# RFC 9110 section 6.5.1: what frames or routes a message, or says who may, must stand before its body.
_NO_TRAILERS: Final = RESPONSE_DROPS | {b"host", b"trailer", b"authorization", b"set-cookie"}


def response_trailers(trailers: Headers) -> Headers:
    """The upstream's trailers that go to the client, behind the body and never merged into the headers."""
    return [item for item in trailers if item[0].lower() not in _NO_TRAILERS] if trailers else trailers
