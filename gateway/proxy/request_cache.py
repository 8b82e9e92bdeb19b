"""What follows from a request's head and the configuration alone, cached by the bytes of the head.

Clients send the same heads again and again. Whether a request is let in is never cached: that is decided for
each one (`gateway.proxy.access`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gateway.http.exchange import NOBODY, Exchange, Header, Peer, RequestHead
from gateway.http.forwarding_headers import identity_header_lines
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.prepared_response import PreparedResponse
from gateway.http.route import Route
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.oauth.model import TokenInfo
from gateway.proxy.forward_head import render_request_lines, route_head
from gateway.proxy.request_tokens import presented_credentials
from gateway.proxy.route_table import RouteTable
from gateway.proxy.simple_request import SimpleRequest, parse_simple_head
from gateway.proxy.upstream_head import CachedForwardHead, UpstreamHead
from gateway.runtime.caches import MIB, cached_unchecked, register
from gateway.runtime.recent_cache import RecentCache

MAX_HEAD: Final = 2048
"""Bytes of a head that is cached."""
MAX_HEADS: Final = 1024
_HEADS: Final = register(
    "request heads", __name__, entries=MAX_HEADS, key_bytes=MAX_HEAD, total_bytes=24 * MIB
)
_TEMPLATES: Final = register(
    "request heads without their token", __name__, entries=MAX_HEADS, key_bytes=MAX_HEAD, total_bytes=24 * MIB
)
# RFC 6750 section 2.1, as nearly all clients write it. Wherever it matches, it is a valid header line.
_BEARER: Final = re.compile(rb"\n(?i:authorization: bearer) ([A-Za-z0-9\-._~+/]+=*)\r\n")
PROOF: Final = re.compile(rb"\n(?i:dpop): ([A-Za-z0-9\-_.]+)\r\n")
"""RFC 9449 section 4.1: a proof is a JWT, a new one for each request. It matches nothing else in a head."""
_AUTHORIZATION: Final = b"authorization"
_DPOP: Final = b"dpop"
_ANY: Final = b"x"
"""Stands for the token, or the proof, in the template that heads share that differ in nothing else."""


@dataclass(slots=True, frozen=True)
class SimpleFraming:
    """What belongs to the request, and whether another one may follow."""

    length: int | None
    """Bytes of the body; None: it is chunked."""
    last: bool
    """Whether the connection ends with the response."""
    size: int
    """Bytes of all header names and values; where the token was put in another's place, of the other."""
    expects: bool = False
    """Whether the client may wait for 100 (Continue) before it sends the body."""


@dataclass(slots=True)
class Alike:
    """What heads share that differ in the token, or the proof, alone."""

    peer: Peer = NOBODY
    """Who sent such a head last."""
    caller: tuple[Peer, str, tuple[str, ...], str | None, bytes] | None = None
    """Who called last with one: the peer, the token's client, scopes and user, and the lines that say so."""
    place: tuple[tuple[Header, ...], bytes, bytes, tuple[Header, ...]] | None = None
    """The headers before the one that differs, its name, what is before its token, and those behind it."""

    def identity_lines(self, request: RequestHead, token: TokenInfo | None) -> bytes:
        """What goes upstream behind the request's id: who sent it."""
        last = self.caller
        if (
            last is not None
            and token is not None
            and last[0] is request.peer
            and last[1] == token.client
            and last[2] is token.scopes
            and last[3] == token.user
        ):
            return last[4]
        lines = b"\r\n%s\r\n" % identity_header_lines(request, token)
        if token is not None:
            self.caller = request.peer, token.client, token.scopes, token.user, lines
        return lines

    def headers_with(self, value: bytes, header: bytes, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        """The headers of such a head with another token, or proof, in the one `header`."""
        if self.place is None:
            at = next(at for at, (name, _) in enumerate(headers) if name.lower() == header)
            name, any_value = headers[at]
            self.place = headers[:at], name, any_value[: -len(_ANY)], headers[at + 1 :]
        before, name, scheme, behind = self.place
        return (*before, (name, scheme + value), *behind)


@dataclass(slots=True)
class CachedRequest:
    """A simple request, all but its body, and what follows from it."""

    head: RequestHead
    """With the peer that sent it last."""
    framing: SimpleFraming
    route: Route
    credentials: BearerCredentials | AuthError
    """Where this route looks for them."""
    upstream: UpstreamHead
    """What goes upstream by this route."""
    canary: UpstreamHead | None
    """The same by its canary's route."""
    alike: Alike = field(default_factory=Alike, compare=False)
    identity: tuple[RequestHead, TokenInfo | None, bytes] | None = field(default=None, compare=False)
    """The last request, its token, and the lines that went upstream behind its id: who sent it."""
    challenge: tuple[AuthError, PreparedResponse] | None = field(default=None, compare=False)
    """Why the last request was refused whose token did not suffice, and the response that says so."""

    def head_from(self, peer: Peer) -> RequestHead:
        """The request's head, sent by `peer`."""
        head = self.head
        if head.peer is not peer:
            head = self.head = head.with_headers(head.headers, peer)
            self.alike.peer = peer
        return head

    def with_token(self, token: bytes) -> CachedRequest:
        """The same request with another bearer token in its one Authorization header."""
        return self._with(token, _AUTHORIZATION, BearerCredentials(token.decode(), dpop=False))

    def with_proof(self, proof: bytes) -> CachedRequest:
        """The same request with another proof in its one DPoP header."""
        return self._with(proof, _DPOP, self.credentials)

    def _with(self, value: bytes, header: bytes, credentials: BearerCredentials | AuthError) -> CachedRequest:
        head, route, alike = self.head, self.route, self.alike
        # Most often the next request is by the same peer: then `head_from` need not make another head.
        head = head.with_headers(alike.headers_with(value, header, head.headers), alike.peer)
        if route.token_sources is not None:
            credentials = presented_credentials(head, route)
        upstream = _upstream_head(route, head, self.upstream)
        canary = None if route.canary is None else _upstream_head(route.canary.route, head, self.canary)
        return CachedRequest(head, self.framing, route, credentials, upstream, canary, alike)

    def render_upstream_head(self, shared: UpstreamHead, exchange: Exchange, framing: bytes = b"") -> bytes:
        """The whole head for one request: what `render_request_head` makes of `build_forward_head`.

        `shared` is that of the exchange's route, `framing` a header line of the gateway's own, or empty.
        """
        request, token, last = exchange.request, exchange.token, self.identity
        if last is None or last[0] is not request or last[1] is not token:
            last = self.identity = (request, token, self.alike.identity_lines(request, token))
        head = b"".join((shared.lines, exchange.request_id.encode(), last[2]))
        return b"%s%s\r\n" % (head[:-2], framing) if framing else head

    def forward_head(self, shared: UpstreamHead, exchange: Exchange) -> CachedForwardHead:
        """The same for hooks to change: what `build_forward_head` makes."""
        return CachedForwardHead.of(shared, exchange, self.render_upstream_head(shared, exchange)[:-2])

    def upstream_head_for(self, route: Route) -> UpstreamHead:
        """What goes upstream by the exchange's route, which may be the canary's."""
        return self.upstream if route is self.route or self.canary is None else self.canary


RequestReader = RecentCache[CachedRequest | None]
"""Reads a request's head, the empty line included."""


def request_reader(routes: RouteTable, limits: RequestHeadLimits = DEFAULT_LIMITS) -> RequestReader:
    """Reads heads. None: it is not simple, or no route of the fast path takes it."""

    def read(data: bytes) -> CachedRequest | None:
        plain = parse_simple_head(data, limits)
        if plain is None or plain.method == "OPTIONS":
            return None
        try:
            found = _routed(plain, routes)
            # Bodies are collected on the way through aiohttp, which also refuses what is never proxied.
            return None if found.route.pipeline.collects_bodies or found.route.verify_only else found
        except Exception:  # whatever it is, it is raised again, and answered, on the way through aiohttp
            return None

    @cached_unchecked(_TEMPLATES)
    def templates(data: bytes) -> CachedRequest | None:
        """None also where another header is an Authorization, or a proof."""
        found = read(data)
        return None if found is None or _repeats(found.head) else found

    def read_template(data: bytes) -> CachedRequest | None:
        """The heads of many clients differ in the token alone, those of a client with proofs in the proof."""
        if len(data) > MAX_HEAD:
            return read(data)
        bearer = _BEARER.search(data)
        varying = bearer or PROOF.search(data)
        if varying is None:
            return read(data)
        start, end = varying.span(1)
        cached = templates(data[:start] + _ANY + data[end:])
        if cached is None:
            return read(data)
        # The limits hold for each request: `read` has not seen this token, or proof.
        if cached.framing.size + end - start - len(_ANY) > limits.head:
            return None
        return cached.with_token(varying[1]) if bearer else cached.with_proof(varying[1])

    return RecentCache(_HEADS, read_template)


def _repeats(head: RequestHead) -> bool:
    return len(head.values(_AUTHORIZATION)) > 1 or len(head.values(_DPOP)) > 1


def _routed(plain: SimpleRequest, routes: RouteTable) -> CachedRequest:
    head = plain.head(NOBODY)
    route = routes.match(head)
    upstream = _upstream_head(route, head)
    canary = None if route.canary is None else _upstream_head(route.canary.route, head)
    block = plain.block
    credentials = block.token if route.token_sources is None else presented_credentials(head, route)
    framing = SimpleFraming(block.length, block.last, block.size, block.expects)
    return CachedRequest(head, framing, route, credentials, upstream, canary)


def _upstream_head(route: Route, head: RequestHead, twin: UpstreamHead | None = None) -> UpstreamHead:
    """`twin`: that of the same request with another token."""
    if twin is not None and not route.forward_token and not route.pipeline.head_only_on_forward:
        return twin
    forward = route_head(head, route)
    return UpstreamHead(forward, render_request_lines(forward) + b"X-Request-Id: ")
