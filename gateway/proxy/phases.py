"""The phases of a proxied request, from its route to the upstream. Their order stands here, and nowhere else.

    admit     on_request      plugins; who calls is unknown
              body size       `server.max_body`, or the plugin's own limit
              token           who calls, and whether it may call this route (`gateway.proxy.access`)
              on_authorized   plugins; who calls is known
    body      on_body         plugins see the whole body (`gateway.web.collected_body`)
    forward   canary          which of the route's two upstreams
              head            the head that goes upstream (`gateway.proxy.forward_head`)
              on_forward      plugins change it

Both ways through the gateway run these. A phase that does not wait costs no coroutine: `admit` and `forward`
return an awaitable only from a phase on that waits. aiohttp's middleware and handler await that (`settled`);
the fast path does so in a task. What raises ends the request.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.http.chunked_body import one_chunk
from gateway.http.exchange import Exchange, RequestHead, Response
from gateway.http.limit_names import BODY, BODY_OF_ROUTE
from gateway.http.problems import BODY_TOO_LARGE, Problem
from gateway.http.request_head import content_length
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.proxy.access import FindToken, VerifyProof, authorize
from gateway.proxy.forward_head import build_forward_head, render_request_head
from gateway.proxy.pipeline import run_hooks, then
from gateway.proxy.request_cache import CachedRequest
from gateway.proxy.upstream_head import CachedForwardHead
from gateway.proxy.upstream_selection import choose_canary, hash_key
from gateway.runtime.compilation import mypyc_attr
from gateway.upstream.request import UpstreamRequest


@mypyc_attr(allow_interpreted_subclasses=True)
class AccessServices(Protocol):
    """What `admit` needs."""

    @property
    def find_token(self) -> FindToken:
        """Finds the token that a request shows."""

    @property
    def verify_proof(self) -> VerifyProof | None:
        """Verifies DPoP proofs; None: none is accepted."""

    @property
    def clock(self) -> Clock:
        """Seconds since the epoch."""

    @property
    def max_body(self) -> int:
        """Bytes that a request's body may have where no plugin says otherwise."""


class KnownRequest(Protocol):
    """What was worked out before for a head."""

    @property
    def head(self) -> RequestHead:
        """The head for which it holds."""

    @property
    def credentials(self) -> BearerCredentials | AuthError:
        """Where its route looks for them."""


Admission = Response | AuthError | None
"""None: it goes on. A response: a plugin has answered. An error: the client may not call the route."""


def admit(
    exchange: Exchange, services: AccessServices, body_size: int, cached: KnownRequest | None = None
) -> Admission | Awaitable[Admission]:
    """Decides whether the request goes on to its upstream.

    Args:
        exchange: the request on its route.
        services: what the decision needs.
        body_size: bytes of the body; 0 where that is not known beforehand.
        cached: what was worked out before for the same head; None: nothing.

    Raises:
        Problem: it is refused for another reason.
        StoreUnavailable, IssuerUnavailable: whether the token is valid can't be known now.
    """
    answer = run_hooks(exchange.route.pipeline.on_request, exchange)
    if answer is None:
        return _check_access(exchange, services, body_size, cached)
    return then(answer, partial(_check_access, exchange, services, body_size, cached))


def _check_access(
    exchange: Exchange, services: AccessServices, body_size: int, cached: KnownRequest | None
) -> Admission | Awaitable[Admission]:
    if body_size > (services.max_body if exchange.max_body is None else exchange.max_body):
        passed = BODY if exchange.max_body is None else BODY_OF_ROUTE
        raise Problem(BODY_TOO_LARGE, close=True, limit=passed)
    # What is cached does not hold for a request that a plugin has put in its place: that one's token counts.
    credentials = cached.credentials if cached is not None and cached.head is exchange.request else None
    refusal = authorize(exchange, services.find_token, services.clock(), services.verify_proof, credentials)
    hooks = exchange.route.pipeline.on_authorized
    if not hooks:
        return refusal
    if refusal is None:
        return run_hooks(hooks, exchange)
    return then(refusal, partial(run_hooks, hooks, exchange))


@dataclass(frozen=True, slots=True)
class RequestFraming:
    """How the body goes upstream, and whether the connection is to become a tunnel."""

    header: bytes = b""
    """A header line of the gateway's own, or more."""
    body_follows: bool = False
    """The body is sent later, piece by piece."""
    chunked: bool = False
    upgrade: bool = False
    expects_continue: bool = False
    """The client sends the body when the upstream has said 100 (Continue)."""


CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
BODY_WITH_HEAD: Final = RequestFraming()
"""The whole body, or none, goes with the head."""
CHUNKED_WITH_HEAD: Final = RequestFraming(CHUNKED, chunked=True)
"""The same of a chunked body."""


def forward(
    exchange: Exchange,
    body: bytes,
    cached: CachedRequest | None = None,
    framing: RequestFraming = BODY_WITH_HEAD,
) -> UpstreamRequest | Response | Awaitable[UpstreamRequest | Response]:
    """Makes what goes upstream, or returns a plugin's response in its place.

    Args:
        exchange: an admitted request.
        body: what of the body goes with the head.
        cached: what was worked out before for the same head; None: nothing.
        framing: of the body.
    """
    if exchange.route.canary is not None:
        choose_canary(exchange)
    hooks = exchange.route.pipeline.on_forward
    if cached is not None and cached.head is exchange.request:
        shared = cached.upstream_head_for(exchange.route)
        if not hooks:
            head = cached.render_upstream_head(shared, exchange, framing.header)
            return _upstream_request(exchange, head, shared.head.method, body, framing)
        exchange.forward = cached.forward_head(shared, exchange)
    else:
        exchange.forward = build_forward_head(exchange)
    answer = run_hooks(hooks, exchange)
    if answer is None:
        return _as_changed(exchange, body, framing)
    return then(answer, partial(_as_changed, exchange, body, framing))


def forward_whole(
    exchange: Exchange, content: bytes, cached: CachedRequest
) -> UpstreamRequest | Response | Awaitable[UpstreamRequest | Response]:
    """The same for the content of a body that has come whole. It goes as the request's head says: if a plugin
    has put one without a body in its place, what is behind that head upstream would be another request.
    """
    request = exchange.request
    if request is cached.head:
        return forward(exchange, content, cached)
    if request.values(b"transfer-encoding"):
        return forward(exchange, one_chunk(content), cached, CHUNKED_WITH_HEAD)
    return forward(exchange, content if content_length(request.headers) else b"", cached)


def forward_chunked(
    exchange: Exchange, services: AccessServices, content: bytes, cached: CachedRequest
) -> UpstreamRequest | Response | Awaitable[UpstreamRequest | Response]:
    """The same for the content of a chunked body that has arrived whole. It is one chunk upstream.

    Raises:
        Problem: it is too large.
    """
    if len(content) > (services.max_body if exchange.max_body is None else exchange.max_body):
        raise Problem(BODY_TOO_LARGE, close=True, limit=BODY)
    if exchange.request is not cached.head:
        return forward_whole(exchange, content, cached)
    return forward(exchange, one_chunk(content), cached, CHUNKED_WITH_HEAD)


def _as_changed(exchange: Exchange, body: bytes, framing: RequestFraming) -> UpstreamRequest:
    """The request with the head as plugins have left it."""
    changed = exchange.forward
    if changed is None:
        raise TypeError("a plugin has taken the head away that goes upstream")
    if isinstance(changed, CachedForwardHead):
        head = changed.render(framing.header)
    else:
        head = render_request_head(changed, framing.header)
    return _upstream_request(exchange, head, changed.method, body, framing)


def _upstream_request(
    exchange: Exchange, head: bytes, method: str, body: bytes, framing: RequestFraming
) -> UpstreamRequest:
    route, own = exchange.route, exchange.timeouts
    upstream = route.upstream
    request = UpstreamRequest(
        head + body if body else head,
        method,
        upstream.settings.timeouts if own is None else upstream.timeouts_for(own),
        framing.body_follows,
        framing.chunked,
        framing.upgrade,
        framing.expects_continue,
    )
    if route.hash_rule is not None:
        request.key = hash_key(exchange)
    if route.sticky is not None:
        request.session = route.sticky.begin(exchange)
    if route.mirror is not None:
        request.copy = route.mirror.copy(request, route.base_path, len(body))
    return request
