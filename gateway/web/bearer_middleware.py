"""The middleware that checks tokens on proxied routes (RFC 6750, RFC 8705, RFC 9449)."""

from __future__ import annotations

from aiohttp import web

from gateway.http.exchange import Exchange, Response
from gateway.http.problems import NO_ROUTE, Problem
from gateway.http.request_head import content_length
from gateway.http.route import Route
from gateway.oauth.bearer import AuthError
from gateway.proxy.challenges import auth_problem, scheme_of
from gateway.proxy.phases import admit
from gateway.proxy.pipeline import run_hooks, settled
from gateway.proxy.preflight import preflight_route
from gateway.server.raw_response import send_response
from gateway.web.edge_questions import answer_edge
from gateway.web.error_responses import Handler
from gateway.web.filtered_response import filtered_answer
from gateway.web.proxy_services import DESCRIBED, EXCHANGE, PROXIED, ProxyServices
from gateway.web.request_body import expects_continue
from gateway.web.request_context import ANSWER_HEADERS, HEAD, REQUEST_ID


def bearer_middleware(services: ProxyServices) -> object:
    """Finds the route, and hands on only the requests that are admitted to it."""

    @web.middleware
    async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request[HEAD].peer.asking:
            return await answer_edge(request, services)
        if PROXIED not in request.match_info:
            # What is behind `/auth/verify` is read as the path of another request.
            if DESCRIBED not in request.match_info and not services.routes.is_endpoint(request[HEAD]):
                raise Problem(NO_ROUTE)
            expects_continue(request[HEAD])
            return await handler(request)
        answer = await _admitted(request, services)
        if answer is None:
            return await handler(request)
        exchange = request[EXCHANGE]
        if exchange.route.pipeline.on_stream:
            answer = filtered_answer(exchange, answer)
        return await send_response(request, answer, request[ANSWER_HEADERS], services.clock())

    return bearer


async def _admitted(request: web.Request, services: ProxyServices) -> Response | None:
    """None: the request goes on. A response: a plugin has answered. Raises what `admit` raises."""
    head = request[HEAD]
    asked = preflight_route(services.routes, head)
    if asked is not None and not asked.verify_only:
        answer = await settled(run_hooks(asked.pipeline.on_preflight, _exchange(request, asked)))
        if answer is not None:
            return answer
    route = services.routes.match(head)
    if route.verify_only:
        raise Problem(NO_ROUTE)
    exchange = _exchange(request, route)
    try:
        outcome = await settled(admit(exchange, services, content_length(head.headers) or 0))
    finally:
        # A plugin may have taken over an id that another gateway gave the request.
        request[REQUEST_ID] = exchange.request_id
    if isinstance(outcome, AuthError):
        raise auth_problem(outcome, route, services.realm, scheme=scheme_of(exchange.request))
    return outcome


def _exchange(request: web.Request, route: Route) -> Exchange:
    exchange = Exchange(
        request[HEAD], route, request[REQUEST_ID], added_response_headers=request[ANSWER_HEADERS]
    )
    request[EXCHANGE] = exchange
    return exchange
