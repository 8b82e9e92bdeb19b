"""What a request's first bytes mean under one configuration.

Clients ask for the same things again and again. Whatever follows from the bytes of a head and from the
configuration alone is worked out once, and remembered. Who may do it is judged on every request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from gateway.endpoints import is_own
from gateway.exchange import Peer, RequestHead
from gateway.faults import Fault
from gateway.proxy.plain import Block, Plain, read_opening
from gateway.proxy.routes import Route, RouteTable, upstream_target

MAX_HEAD = 2048
"""Bytes of a head that is remembered: with the number of them a bound on memory."""
MAX_HEADS = 1024
_NOBODY = Peer("", "http")


@dataclass(slots=True, frozen=True)
class Opening:
    """A plain request for a route that can be served without waiting, but for its body."""

    head: RequestHead
    """From nobody yet."""
    block: Block
    route: Route
    start: bytes
    """The first lines of what goes upstream, where no plugin changes them."""

    def head_from(self, peer: Peer) -> RequestHead:
        """The request's head, sent by `peer`."""
        head = self.head
        return RequestHead(
            head.method, head.target, head.path, head.segments, head.query, head.host, head.headers, peer
        )

    def start_for(self, route: Route) -> bytes:
        """The first lines that go upstream, by this route or by its canary's."""
        return self.start if route is self.route else _start(route, self.head, self.block)


def openings(routes: RouteTable) -> Callable[[bytes], Opening | None]:
    """Reads heads. None: it is not plain, or it is not for a route that needs no waiting."""

    def read(data: bytes) -> Opening | None:
        plain = read_opening(data)
        if plain is None or plain.method == "OPTIONS":
            return None
        try:
            return _opening(plain, routes)
        except Fault:
            return None

    remembered = lru_cache(maxsize=MAX_HEADS)(read)
    return lambda data: remembered(data) if len(data) <= MAX_HEAD else read(data)


def _opening(plain: Plain, routes: RouteTable) -> Opening | None:
    head = plain.head(_NOBODY)
    route = routes.match(head)
    if not route.pipeline.synchronous or is_own(head.segments):
        return None
    return Opening(head, plain.block, route, _start(route, head, plain.block))


def _start(route: Route, head: RequestHead, block: Block) -> bytes:
    lines = block.lines_with_token if route.forward_token else block.lines
    return b"%s %s HTTP/1.1\r\n%s" % (head.method.encode(), upstream_target(route, head), lines)
