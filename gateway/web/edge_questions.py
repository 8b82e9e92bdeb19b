"""The edge asks what to do with requests that could be calls of gRPC: those it forwards by itself.

A question is the client's request without its body. Of requests that the gateway itself proxies or answers,
nothing is judged yet: they come again.
"""

from __future__ import annotations

from aiohttp import web

from gateway.http.exchange import Exchange, Headers, RequestHead, Response
from gateway.http.grpc_status import grpc_refusal, is_grpc
from gateway.http.header_changes import header_changes
from gateway.http.responses import reason_phrase
from gateway.http.route import Route
from gateway.proxy.forward_head import build_forward_head
from gateway.proxy.preflight import preflight_route
from gateway.proxy.verification import ROUTE_HEADER, Leave, answer_call
from gateway.server.raw_response import send_response
from gateway.web.proxy_services import EXCHANGE, PROXIED, ProxyServices
from gateway.web.request_context import ANSWER_HEADERS, HEAD, REQUEST_ID

LEFT = web.RequestKey("left", bool)
"""The request that is asked about comes again: it is recorded then."""
REMOVED = b"X-Envoy-Auth-Headers-To-Remove"
"""Names the headers that Envoy is to take away."""
_KEPT = frozenset({b"max-forwards"})


async def answer_edge(request: web.Request, services: ProxyServices) -> web.StreamResponse:
    """Answers with 200 and the route's id: Envoy forwards the call; with 200 alone: it sends it here.

    Raises:
        Problem, StoreUnavailable, IssuerUnavailable: the request may not pass.
    """
    head: RequestHead = request[HEAD]
    answer = await _judged(request, head, services) if PROXIED in request.match_info else None
    if answer is None:
        request[LEFT] = True
        answer = Leave(200)
    elif is_grpc(head.headers) and not isinstance(answer, Leave):
        answer = grpc_refusal(answer, reason_phrase(answer.status).decode())
    return await send_response(request, answer, request[ANSWER_HEADERS], services.clock())


async def _judged(request: web.Request, head: RequestHead, services: ProxyServices) -> Response | None:
    """None: it is no call of gRPC."""
    route = preflight_route(services.routes, head) or services.routes.match(head)
    if not route.grpc:
        return None

    def begin(route: Route) -> Exchange:
        request[EXCHANGE] = exchange = Exchange(
            head, route, request[REQUEST_ID], added_response_headers=request[ANSWER_HEADERS]
        )
        return exchange

    try:
        answer = await answer_call(head, services, begin)
    finally:
        exchange = request.get(EXCHANGE)
        if exchange is not None:
            # A plugin may have taken over an id that another gateway gave the request.
            request[REQUEST_ID] = exchange.request_id
    return _leave(exchange) if isinstance(answer, Leave) and exchange is not None else answer


def _leave(exchange: Exchange) -> Leave:
    """What Envoy changes in the headers: then they are those that the gateway would send."""
    goes = (exchange.forward or build_forward_head(exchange)).headers
    changes = header_changes(exchange.request.headers, goes, _KEPT)
    # What plugins tell the client as well is told once.
    told = {(name.lower(), value) for name, value in exchange.added_response_headers}
    headers: Headers = [(name, value) for name, values in changes.set for value in values]
    headers = [item for item in headers if item not in told]
    if changes.removed:
        headers.append((REMOVED, b",".join(changes.removed)))
    return Leave(200, headers=[*headers, (ROUTE_HEADER, exchange.route.id.encode())])
