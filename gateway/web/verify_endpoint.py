"""aiohttp's side of `/auth/verify`: answers the questions of proxies that the fast path declines."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from gateway.http.asking_proxies import AskingProxies
from gateway.http.endpoints import VERIFY, GatewayPaths
from gateway.http.exchange import Exchange, RequestHead
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.problems import FORBIDDEN, Problem
from gateway.http.route import Route
from gateway.proxy.question_cache import seen_by
from gateway.proxy.verification import answer_question, read_question
from gateway.server.client_connection import connection_of
from gateway.server.raw_response import send_response
from gateway.web.proxy_services import EXCHANGE, ProxyServices
from gateway.web.request_context import ANSWER_HEADERS, HEAD, REQUEST_ID

log = logging.getLogger("gatepost")


@dataclass(frozen=True, slots=True)
class VerifyEndpoint:
    """Forward authentication. Made once for a configuration."""

    services: ProxyServices
    proxies: AskingProxies
    paths: GatewayPaths
    limits: RequestHeadLimits = DEFAULT_LIMITS

    @property
    def prefixes(self) -> tuple[bytes, ...]:
        """The paths of the endpoint."""
        return tuple(path.encode() for path in self.paths.with_base(VERIFY))

    async def verify(self, request: web.Request) -> web.StreamResponse:
        """Judges the request that is described.

        Raises:
            Problem: whoever asks may not, or the request is refused.
        """
        request[HEAD] = described = self._described(request)
        try:
            answer = await answer_question(described, self.services, partial(_begin, request, described))
        finally:
            exchange = request.get(EXCHANGE)
            if exchange is not None:
                # A plugin may have taken over an id that the proxy gave the request.
                request[REQUEST_ID] = exchange.request_id
        return await send_response(request, answer, request[ANSWER_HEADERS], self.services.clock())

    def _described(self, request: web.Request) -> RequestHead:
        """The request that is asked about."""
        question, connection = request[HEAD], connection_of(request).peer
        peer = self.proxies.peer(connection, question.headers)
        if peer is None:
            needs = self.proxies.needs
            log.warning(
                "forward authentication refused: request %s from %s: %s",
                request[REQUEST_ID],
                connection.address,
                needs,
            )
            raise Problem(FORBIDDEN, "Only proxies that the gateway trusts may ask here.", reason=needs)
        asked = read_question(question, peer, self.prefixes, self.limits)
        return seen_by(asked.request, peer, asked.scheme)


def _begin(request: web.Request, described: RequestHead, route: Route) -> Exchange:
    request[EXCHANGE] = exchange = Exchange(
        described, route, request[REQUEST_ID], added_response_headers=request[ANSWER_HEADERS]
    )
    return exchange
