"""The head that goes upstream. It is made here, and nowhere else.

`route_head` depends on the client's head and the route alone, so that it can be cached; `forward_head` adds
what differs from request to request.
"""

from __future__ import annotations

from gateway.http.exchange import Exchange, ForwardHead, RequestHead
from gateway.http.forwarding_headers import identity_headers, request_headers, with_host
from gateway.http.header_fields import render_header_lines
from gateway.http.header_names import name_spelling
from gateway.http.max_forwards import one_hop_less
from gateway.http.route import Route
from gateway.http.route_target import upstream_target
from gateway.proxy.head_only_hooks import apply_to_request
from gateway.proxy.request_tokens import without_tokens


def route_head(request: RequestHead, route: Route) -> ForwardHead:
    """The part that is the same for all requests with this head on this route.

    Raises:
        Exception: what a head-only hook raises.
    """
    headers = request_headers(request, forward_token=route.forward_token, allowed=route.allow_headers)
    if route.token_sources is not None:
        headers = without_tokens(headers, route.token_sources)
    if route.host_header is not None:
        headers = with_host(headers, route.host_header)
    if route.upstream_credentials is not None:
        own = name_spelling(route.upstream_credentials)
        headers = [item for item in headers if name_spelling(item[0].lower()) != own]
    forward = ForwardHead(request.method, upstream_target(route, request), headers)
    forward = apply_to_request(route.pipeline.head_only_on_forward, request, route, forward)
    if route.forwarded_prefix is not None:
        forward.headers = [*forward.headers, (b"X-Forwarded-Prefix", route.forwarded_prefix)]
    return forward


def build_forward_head(exchange: Exchange) -> ForwardHead:
    """The whole head, before the `on_forward` hooks see it."""
    request = exchange.request
    shared = route_head(request, exchange.route)
    headers = shared.headers + identity_headers(request, exchange.request_id, exchange.token)
    return ForwardHead(shared.method, shared.target, one_hop_less(request, headers))


def render_request_head(forward: ForwardHead, framing: bytes = b"") -> bytes:
    """The head as it goes over the wire. `framing` is a header line of the gateway's own, or empty."""
    return b"%s\r\n" % (render_request_lines(forward) + framing)


def render_request_lines(forward: ForwardHead) -> bytes:
    """The request line and the headers, without the empty line."""
    return b"%s %s HTTP/1.1\r\n%s" % (
        forward.method.encode(),
        forward.target,
        render_header_lines(forward.headers),
    )
