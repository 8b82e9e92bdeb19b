"""Which headers pass, and which the gateway adds (RFC 9110 section 7.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Any

from gateway.exchange import Header, Headers, RequestHead, ResponseHead
from gateway.fields import field_lines
from gateway.header_names import HOP_BY_HOP, is_identity
from gateway.oauth.values import TokenFacts

VIA = b"gatepost"


# A message to the caller is framed for the caller.
RESPONSE_DROPS = HOP_BY_HOP | {b"content-length"}


class _Rule(IntEnum):
    PASS = 0
    DROP = 1
    CONNECTION = 2
    AUTHORIZATION = 3
    VIA = 4


def _request_rule(lower: bytes) -> _Rule:
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
    return _Rule.DROP if is_identity(lower) else _Rule.PASS


def _response_rule(lower: bytes) -> _Rule:
    if lower == b"connection":
        return _Rule.CONNECTION
    return _Rule.DROP if lower in RESPONSE_DROPS else _Rule.PASS


class HeaderRules:
    """Rules by header name, each worked out once. Bounded: nobody can make it grow without end."""

    _LIMIT = 2048

    def __init__(self, judge: Callable[[bytes], _Rule]) -> None:
        self._judge = judge
        self._known: dict[bytes, _Rule] = {}

    def rule(self, name: bytes) -> _Rule:
        """What is done with a header of this name."""
        rule = self._known.get(name)
        if rule is None:
            rule = self._judge(name.lower())
            if len(self._known) < self._LIMIT:
                self._known[name] = rule
        return rule


_REQUEST_RULES = HeaderRules(_request_rule)
_RESPONSE_RULES = HeaderRules(_response_rule)


def request_headers(request: RequestHead, *, forward_token: bool) -> Headers:
    """The caller's headers that go upstream, byte for byte and in their order."""
    kept: Headers = []
    nominated: frozenset[bytes] = frozenset()
    via: list[bytes] = []
    known = _REQUEST_RULES.rule
    for item in request.headers:
        rule = known(item[0])
        if rule is _Rule.PASS or (rule is _Rule.AUTHORIZATION and forward_token):
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
_NOT_NOMINABLE = frozenset({b"host", b"content-length", b"close", b"keep-alive"})


@lru_cache(maxsize=256)
def nominees(connection: bytes) -> frozenset[bytes]:
    """The header names that a Connection header asks to be dropped (RFC 9110 section 7.6.1)."""
    names = {name.strip().lower() for name in connection.split(b",")}
    return frozenset(names - _NOT_NOMINABLE)


def identity_headers(request: RequestHead, request_id: str, caller: TokenFacts | None) -> Headers:
    """What the gateway tells the upstream about the request."""
    return [(b"X-Request-Id", request_id.encode()), *_told(*_told_of(request, caller))]


def told_lines(request: RequestHead, caller: TokenFacts | None) -> bytes:
    """The same as lines, but for the request's id, which stands before them."""
    return _told_lines(*_told_of(request, caller))


_Told = tuple[bytes, str, bytes | None, str, str | None, tuple[str, ...], str | None]


def _told_of(request: RequestHead, caller: TokenFacts | None) -> _Told:
    """What is remembered of the peer and of the caller goes by this."""
    peer = request.peer
    way = (peer.forwarded_for, peer.scheme, peer.forwarded_host, request.host)
    if caller is None:
        return (*way, None, (), None)
    return (*way, caller.client, caller.scopes, caller.user)


@lru_cache(maxsize=4096)
def _told(
    address: bytes,
    scheme: str,
    forwarded: bytes | None,
    host: str,
    client: str | None,
    scopes: tuple[str, ...],
    user: str | None,
) -> tuple[Header, ...]:
    told = _way_headers(address, scheme, forwarded or host.encode())
    return tuple(told if client is None else told + _caller_headers(client, scopes, user))


@lru_cache(maxsize=4096)
def _told_lines(*told: Any) -> bytes:
    return field_lines(_told(*told))


def _way_headers(address: bytes, scheme: str, host: bytes) -> Headers:
    return [
        (b"X-Forwarded-For", address),
        (b"X-Forwarded-Proto", scheme.encode()),
        (b"X-Forwarded-Host", host),
    ]


def _caller_headers(client: str, scopes: tuple[str, ...], user: str | None) -> Headers:
    told: Headers = [
        (b"X-Client-Id", client.encode()),
        (b"X-Authenticated-Scope", " ".join(scopes).encode()),
    ]
    if user is not None:
        told.append((b"X-Authenticated-UserId", header_text(user)))
    return told


def header_text(text: str) -> bytes:
    """`text` as a header value: UTF-8, with control characters percent-encoded."""
    return "".join(
        char if char.isprintable() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in text
    ).encode()


def response_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The upstream's headers that go to the caller, without those of framing."""
    kept: Headers = []
    nominated: frozenset[bytes] = frozenset()
    known = _RESPONSE_RULES.rule
    for item in headers:
        rule = known(item[0])
        if rule is _Rule.PASS:
            kept.append(item)
        elif rule is _Rule.CONNECTION:
            nominated |= nominees(item[1])
    if nominated:
        kept = [item for item in kept if item[0].lower() not in nominated]
    return kept


def passing_head(head: ResponseHead) -> ResponseHead:
    """The upstream's head as it goes to the caller, before plugins change it: one that may be changed."""
    return ResponseHead(head.status, head.reason, response_headers(head.headers), head.version)


# RFC 9110 section 6.5.1: what frames or routes a message, or says who may, must stand before its body.
_NO_TRAILERS = RESPONSE_DROPS | {b"host", b"trailer", b"authorization", b"set-cookie"}


def response_trailers(trailers: Headers) -> Headers:
    """The upstream's trailers that go to the caller, behind the body and never merged into the headers."""
    return [item for item in trailers if item[0].lower() not in _NO_TRAILERS] if trailers else trailers
