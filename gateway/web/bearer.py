"""The middleware that checks tokens on proxied routes (RFC 6750, RFC 8705, RFC 9449)."""

from __future__ import annotations

from aiohttp import web

from gateway.exchange import Answer, Exchange, RequestHead
from gateway.oauth.bearer import DPOP
from gateway.proxy.arrival import check_length
from gateway.proxy.pipeline import authorize, run
from gateway.proxy.preflight import preflight_route
from gateway.proxy.refused import refused
from gateway.proxy.routes import Route
from gateway.web.arrival import ANSWER_HEADERS, HEAD, REQUEST_ID
from gateway.web.desk import EXCHANGE, PROXIED, ProxyDesk
from gateway.web.faults import Handler
from gateway.web.sent import send_answer


def bearer_middleware(desk: ProxyDesk) -> object:
    """Finds the route, and lets only those in who may use it."""

    @web.middleware
    async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if PROXIED not in request.match_info:
            return await handler(request)
        answer = await admit(request, desk)
        if answer is None:
            return await handler(request)
        return await send_answer(request, answer, request[ANSWER_HEADERS], desk.clock())

    return bearer


async def admit(request: web.Request, desk: ProxyDesk) -> Answer | None:
    """The phases before the upstream is asked: route, `on_request`, token, `on_authorized`.

    Raises:
        Fault: the caller is not let in.
        StoreUnavailable: whether it may come in can't be known.
    """
    head = request[HEAD]
    asked = preflight_route(desk.routes, head)
    if asked is not None:
        answer = await run(asked.pipeline.on_preflight, _exchange(request, asked))
        if answer is not None:
            return answer
    route = desk.routes.match(head)
    exchange = _exchange(request, route)
    hooks = route.pipeline
    try:
        answer = await run(hooks.on_request, exchange)
    finally:
        # A plugin may have taken over an id that another gateway gave the request.
        request[REQUEST_ID] = exchange.request_id
    if answer is not None:
        return answer
    check_length(head.headers, desk.max_body if exchange.max_body is None else exchange.max_body)
    refusal = await authorize(exchange, desk.find_token, desk.clock(), desk.prove)
    if refusal is not None:
        raise refused(refusal, route, desk.realm, scheme=scheme_of(head))
    return await run(hooks.on_authorized, exchange)


def _exchange(request: web.Request, route: Route) -> Exchange:
    exchange = Exchange(request[HEAD], route, request[REQUEST_ID], answer_headers=request[ANSWER_HEADERS])
    request[EXCHANGE] = exchange
    return exchange


def scheme_of(head: RequestHead) -> str:
    """The way in which the caller has brought its token, and so the way in which it is answered."""
    given = head.value(b"authorization") or b""
    return DPOP if given[:5].lower() == b"dpop " else "Bearer"
