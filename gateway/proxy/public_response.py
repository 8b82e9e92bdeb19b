"""Which names the URLs and cookies of a response are rewritten by: the route's, and those of its request."""

from __future__ import annotations

from gateway.http.exchange import Exchange, ResponseHead
from gateway.http.public_urls import PublicUrls
from gateway.http.route import Route
from gateway.http.upstream_names import UpstreamNames
from gateway.proxy.forward_head import route_head


def with_public_urls(head: ResponseHead, exchange: Exchange) -> ResponseHead:
    """The head with its URLs and cookies for the client; the same head where nothing is to be changed."""
    names = exchange.route.upstream_names
    if names is None or not head.has_urls:
        return head
    headers = _public_urls(names, exchange).headers(head.headers)
    if headers == head.headers:
        return head
    return ResponseHead(head.status, head.reason, headers, head.version)


def _public_urls(names: UpstreamNames, exchange: Exchange) -> PublicUrls:
    request, route = exchange.request, exchange.route
    asked = request.host.encode()
    host = asked if request.peer.forwarded_host is None else request.peer.forwarded_host.lower()
    own = {asked, host} if route.host_header is None else {route.host_header.lower(), host}

    def sent() -> bytes:
        # On the fast path the head that went upstream is cached, and not kept with the exchange.
        forward = exchange.forward or route_head(request, route)
        return forward.target.partition(b"?")[0]

    def client_path(path: bytes) -> bytes | None:
        return _by_plugins(route, exchange, path)

    return PublicUrls(
        scheme=request.peer.scheme.encode(),
        host=host,
        own_hosts=frozenset(own),
        names=names,
        requested=request.path,
        sent=sent,
        client_path=client_path,
    )


def _by_plugins(route: Route, exchange: Exchange, path: bytes) -> bytes | None:
    base = route.base_path
    below = path[len(base) :] or b"/" if path.startswith(base) else path
    for client_path in route.pipeline.client_path:
        found = client_path(below, exchange.request)
        if found is not None:
            return found
    return None
