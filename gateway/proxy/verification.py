"""Judging a request that another proxy forwards: the phases of a proxied request, up to its upstream.

What the plugins do to the request's head is answered as headers, which the proxy hands on to the upstream.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gateway.http.described_request import (
    check_overrides,
    described_request,
    described_scheme,
    rest_of_target,
)
from gateway.http.exchange import Exchange, ForwardHead, Header, Headers, Peer, RequestHead, Response
from gateway.http.forwarding_headers import client_headers
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.header_names import is_framing
from gateway.http.problems import FORBIDDEN, NO_ROUTE, Problem
from gateway.http.route import Route
from gateway.oauth.bearer import AuthError
from gateway.proxy.challenges import auth_problem, scheme_of
from gateway.proxy.forward_head import build_forward_head
from gateway.proxy.phases import AccessServices, KnownRequest, admit
from gateway.proxy.pipeline import run_hooks, settled, then
from gateway.proxy.preflight import preflight_route
from gateway.proxy.route_table import RouteTable

_REQUEST_ID, _REQUEST_ID_LOWER = b"X-Request-Id", b"x-request-id"
ROUTE_HEADER = b"x-gatepost-route"
"""A proxy that sends this header is told the route's id in it."""
# What the proxy itself tells its upstream of the way that the request has come.
_OF_THE_PROXY = frozenset(
    {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix", b"max-forwards"}
)
_SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True)
class Question:
    """A request that a proxy asks about."""

    request: RequestHead
    """As its client has sent it to the proxy, as far as the proxy tells."""
    scheme: str | None
    """The scheme that the proxy says it came by; None: the peer's."""


def read_question(
    question: RequestHead,
    peer: Peer,
    prefixes: tuple[bytes, ...],
    limits: RequestHeadLimits = DEFAULT_LIMITS,
) -> Question:
    """The request that is asked about.

    Args:
        question: the proxy's own request.
        peer: the client behind it.
        prefixes: the paths of the endpoint.
        limits: of heads.

    Raises:
        Problem: it is not described clearly, or the endpoint's path is spelt in another way.
    """
    rest = rest_of_target(question.target, prefixes)
    if rest is None:
        raise Problem(NO_ROUTE)
    return Question(described_request(question, rest, peer, limits), described_scheme(question))


class Leave(Response):
    """The request may pass, with these headers for the upstream."""

    __slots__ = ()


Verdicts = Response | AuthError
"""`Leave`, or what a plugin answers in its place. An error: the client may not call the route."""


class VerifyServices(AccessServices, Protocol):
    """What `answer_question` needs."""

    @property
    def routes(self) -> RouteTable:
        """Finds the route of a request."""

    @property
    def realm(self) -> str:
        """That of challenges."""


async def answer_question(
    described: RequestHead, services: VerifyServices, begin: Callable[[Route], Exchange]
) -> Response:
    """The answer to a question, as far as nothing is known of it before.

    Args:
        described: the request that is asked about.
        services: what the decision needs.
        begin: notes the request's route, and makes its exchange.

    Raises:
        Problem, StoreUnavailable, IssuerUnavailable: the request may not pass.
    """
    return await _answer(described, services, begin, check_overrides)


async def answer_call(
    call: RequestHead, services: VerifyServices, begin: Callable[[Route], Exchange]
) -> Response:
    """The same where the proxy takes away what the gateway would: headers by which it could be taken for
    another call are no reason to refuse one.
    """
    return await _answer(call, services, begin, lambda _request, _route: None)


async def _answer(
    described: RequestHead,
    services: VerifyServices,
    begin: Callable[[Route], Exchange],
    check: Callable[[RequestHead, Route], None],
) -> Response:
    asked = preflight_route(services.routes, described)
    if asked is not None:
        check(described, asked)
        answer = await settled(run_hooks(asked.pipeline.on_preflight, begin(asked)))
        if answer is not None:
            return answer
    route = services.routes.match(described)
    check(described, route)
    exchange = begin(route)
    outcome: Verdicts = await settled(verify(exchange, services))
    if isinstance(outcome, AuthError):
        raise auth_problem(outcome, route, services.realm, scheme=scheme_of(exchange.request))
    return outcome


def verify(
    exchange: Exchange, services: AccessServices, cached: KnownRequest | None = None
) -> Verdicts | Awaitable[Verdicts]:
    """Decides whether the proxy may forward the request. Returns an awaitable only where a phase waits.

    Args:
        exchange: the request on its route.
        services: what the decision needs.
        cached: what was worked out before for the same head; None: nothing.

    Raises:
        Problem, StoreUnavailable, IssuerUnavailable: as `gateway.proxy.phases.admit`.
    """
    if exchange.route.pipeline.request_body:
        reason = "plugins of the route judge bodies, which a proxy that asks does not send"
        raise Problem(FORBIDDEN, "Requests of this route can't be judged without their body.", reason=reason)
    admission = admit(exchange, services, 0, cached)
    outcome: Verdicts | Awaitable[Verdicts] = then(admission, partial(_granted, exchange))
    return _checked_later(outcome) if inspect.isawaitable(outcome) else _checked(outcome)


def _checked(answer: Verdicts) -> Verdicts:
    if isinstance(answer, Response) and answer.status in _SUCCESSES and not isinstance(answer, Leave):
        # To the proxy it would mean that the request may pass, which nobody has decided.
        raise Problem(FORBIDDEN, reason="a plugin answers the request itself, which a proxy can't hand on")
    return answer


async def _checked_later(waiting: Awaitable[Verdicts]) -> Verdicts:
    return _checked(await waiting)


def _granted(exchange: Exchange) -> Response | Awaitable[Response]:
    """Leave to pass; a plugin's response in its place."""
    pipeline = exchange.route.pipeline
    if pipeline.on_verified or pipeline.head_only_on_forward:
        exchange.forward = build_forward_head(exchange)
        return then(run_hooks(pipeline.on_verified, exchange), partial(_as_changed, exchange))
    own = client_headers(exchange.token)
    return _leave(exchange, [(_REQUEST_ID, exchange.request_id.encode()), *own])


def _as_changed(exchange: Exchange) -> Leave:
    """The headers that plugins have left for the upstream."""
    if exchange.forward is None:
        raise TypeError("a plugin has taken the head away that goes upstream")
    return _leave(exchange, granted_headers(exchange.forward, exchange.request.headers))


def _leave(exchange: Exchange, headers: Headers) -> Leave:
    taken = exchange.added_response_headers
    if taken and any(name.lower() == _REQUEST_ID_LOWER for name, _ in taken):
        # A plugin says the same to clients: one is enough.
        headers = [item for item in headers if item[0] != _REQUEST_ID]
    if exchange.request.values(ROUTE_HEADER):
        headers = [*headers, (b"X-Gatepost-Route", exchange.route.id.encode())]
    return Leave(200, headers=headers)


def granted_headers(forward: ForwardHead, came: Iterable[Header]) -> Headers:
    """The headers that the gateway and the plugins have added to those that came."""
    before = set(came)
    return [item for item in forward.headers if item not in before and not _belongs_to_proxy(item[0].lower())]


def _belongs_to_proxy(lower: bytes) -> bool:
    return lower in _OF_THE_PROXY or is_framing(lower)
