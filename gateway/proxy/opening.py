"""What a request's first bytes mean under one configuration.

Clients ask for the same things again and again. Whatever follows from the bytes of a head and from the
configuration alone is worked out once, and remembered. Who may do it is judged on every request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.endpoints import is_own
from gateway.exchange import NOBODY, Exchange, ForwardHead, Header, Headers, Peer, RequestHead
from gateway.fields import field_lines
from gateway.oauth.bearer import Presented
from gateway.oauth.values import TokenFacts
from gateway.proxy.by_head import shaped_request
from gateway.proxy.headers import request_headers, told_lines, with_host
from gateway.proxy.plain import Block, Plain, read_opening
from gateway.proxy.routes import Route, RouteTable, upstream_target

MAX_HEAD = 2048
"""Bytes of a head that is remembered: with the number of them a bound on memory."""
MAX_HEADS = 1024
# RFC 6750 section 2.1, as nearly all clients write it. What is found is a sound value wherever it stands.
_BEARER = re.compile(rb"\n(?i:authorization: bearer) ([A-Za-z0-9\-._~+/]+=*)\r\n")
_ANY = b"x"
"""Stands for the token in what is remembered of all that have one."""


@dataclass(slots=True, frozen=True)
class Start:
    """What goes upstream of a request by one route, before the lines that tell of it."""

    method: str
    target: bytes
    headers: Headers
    """Not to be changed."""
    lines: bytes
    """All of it, as it goes over the wire, up to the request's id."""


@dataclass(slots=True)
class Opening:
    """A plain request for a route that can be served without waiting, but for its body."""

    head: RequestHead
    """From whoever sent it last; first from nobody."""
    block: Block
    route: Route
    start: Start
    """What goes upstream by this route."""
    canary: Start | None
    """The same by its canary's."""
    told: tuple[RequestHead, TokenFacts | None, bytes] | None = field(default=None, compare=False)
    """What goes upstream behind the id of the request that was the last: whom it came from."""

    def head_from(self, peer: Peer) -> RequestHead:
        """The request's head, sent by `peer`."""
        head = self.head
        if head.peer is not peer:
            head = self.head = _copied(head, head.headers, peer)
        return head

    def with_token(self, token: bytes) -> Opening:
        """The same request with another bearer token in its one Authorization header."""
        head, block = self.head, self.block
        value = block.authorization[0][: -len(_ANY)] + token
        headers = tuple(
            (name, value) if name.lower() == b"authorization" else (name, old) for name, old in head.headers
        )
        head = _copied(head, headers, head.peer)
        block = Block(
            headers,
            block.host,
            block.length,
            Presented(token.decode(), dpop=False),
            block.content_type,
            (value,),
            block.proofs,
            block.last,
        )
        return _opening(head, block, self.route, self)

    def upstream_head(self, start: Start, exchange: Exchange) -> bytes:
        """The head of such a request, as it goes upstream: the same bytes that `forward_head` and
        `head_bytes` make. `start` is that of the exchange's route.
        """
        request, caller, told = exchange.request, exchange.caller, self.told
        if told is None or told[0] is not request or told[1] is not caller:
            told = self.told = (request, caller, b"\r\n%s\r\n" % told_lines(request, caller))
        return start.lines + exchange.request_id.encode() + told[2]

    def start_for(self, route: Route) -> Start:
        """What goes upstream by the route, or by its canary's."""
        return self.start if route is self.route or self.canary is None else self.canary


def openings(routes: RouteTable) -> Callable[[bytes], Opening | None]:
    """Reads heads. None: it is not plain, or it is not for a route that needs no waiting."""

    def read(data: bytes) -> Opening | None:
        plain = read_opening(data)
        if plain is None or plain.method == "OPTIONS":
            return None
        try:
            return _routed(plain, routes)
        except Exception:  # what a plugin raises it raises again on the way through aiohttp
            return None

    templates = lru_cache(maxsize=MAX_HEADS)(read)

    def read_template(data: bytes) -> Opening | None:
        """The heads of many callers differ in the token alone."""
        bearer = _BEARER.search(data)
        if bearer is None:
            return read(data)
        start, end = bearer.span(1)
        opening = templates(data[:start] + _ANY + data[end:])
        if opening is None or len(opening.block.authorization) > 1:
            return read(data)
        return opening.with_token(data[start:end])

    remembered = lru_cache(maxsize=MAX_HEADS)(read_template)
    return lambda data: remembered(data) if len(data) <= MAX_HEAD else read(data)


def _copied(head: RequestHead, headers: tuple[Header, ...], peer: Peer) -> RequestHead:
    return RequestHead(
        head.method, head.target, head.path, head.segments, head.query, head.host, headers, peer
    )


def _routed(plain: Plain, routes: RouteTable) -> Opening | None:
    head = plain.head(NOBODY)
    route = routes.match(head)
    if not route.pipeline.synchronous or is_own(head.segments):
        return None
    return _opening(head, plain.block, route)


def _opening(head: RequestHead, block: Block, route: Route, twin: Opening | None = None) -> Opening:
    """`twin` differs in the token alone."""
    start = _start(route, head, None if twin is None else twin.start)
    other = None
    if route.canary is not None:
        other = _start(route.canary.route, head, None if twin is None else twin.canary)
    return Opening(head, block, route, start, other)


def _start(route: Route, head: RequestHead, twin: Start | None) -> Start:
    hooks = route.pipeline.forward_by_head
    if twin is not None and not route.forward_token and not hooks:
        return twin
    headers = request_headers(head, forward_token=route.forward_token)
    if route.host_header is not None:
        headers = with_host(headers, route.host_header)
    forward = ForwardHead(head.method, upstream_target(route, head), headers)
    forward = shaped_request(hooks, head, route, forward)
    lines = b"%s %s HTTP/1.1\r\n%sX-Request-Id: " % (
        forward.method.encode(),
        forward.target,
        field_lines(forward.headers),
    )
    return Start(forward.method, forward.target, forward.headers, lines)
