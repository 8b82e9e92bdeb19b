"""How a request would fare, from the configuration alone: nothing is sent, and no plugin is asked.

It walks the rules of the proxied path: the route, the token, and the head that goes upstream.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.http.exchange import Exchange, RequestHead
from gateway.http.problems import INSUFFICIENT_SCOPE, NOT_SUBSCRIBED, Problem
from gateway.http.route import Route
from gateway.oauth.bearer import AuthError, check_access
from gateway.oauth.model import OWN, TokenInfo
from gateway.proxy.challenges import auth_problem
from gateway.proxy.explain import foreseen
from gateway.proxy.mcp_guard import guard_of
from gateway.proxy.route_table import RouteTable
from gateway.proxy.subscription_guard import subscription_guard_of

PASSES = 200
"""The status of a request that goes upstream."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of a request."""

    status: int
    """`PASSES`, or that of the gateway's refusal. Of a route with `verify_only`: what `/auth/verify` says."""
    reason: str
    route: str | None = None
    """The route's path as configured; None where none takes the request."""
    upstream: str | None = None
    """Method and target as they go upstream."""


def judge_request(
    head: RequestHead, routes: RouteTable, token: TokenInfo | str | None, tool: str | None = None
) -> Verdict:
    """What comes of a request with this token.

    `token` is a text where the client gets none, and says why; None where the request brings none. `tool` is
    what the request calls; None: nothing.
    """
    try:
        if routes.is_endpoint(head):
            return Verdict(PASSES, "the gateway answers this path itself")
        route = routes.match(head)
    except Problem as problem:
        return Verdict(problem.kind.status, problem.detail)
    refusal = _refusal(route, token) or _unsubscribed(route, token) or _tool_refusal(route, token, tool)
    if refusal is not None:
        return refusal
    if route.verify_only:
        return Verdict(PASSES, "is let through by /auth/verify, and never proxied", route.path)
    exchange = Exchange(head, route, "", token=token if isinstance(token, TokenInfo) else None)
    forward = foreseen(exchange)
    sent = f"{forward.method} {forward.target.decode('latin-1')}"
    return Verdict(PASSES, "goes upstream", route.path, sent)


def _refusal(route: Route, token: TokenInfo | str | None) -> Verdict | None:
    error, reason = _error(route, token)
    if error is None:
        return None
    return Verdict(auth_problem(error, route, "").kind.status, reason, route.path)


def _unsubscribed(route: Route, token: TokenInfo | str | None) -> Verdict | None:
    guard = subscription_guard_of(route)
    if guard is None or not isinstance(token, TokenInfo):
        return None
    reason = guard.lacks_in_file(token)
    return Verdict(NOT_SUBSCRIBED.status, reason, route.path) if reason else None


def _tool_refusal(route: Route, token: TokenInfo | str | None, tool: str | None) -> Verdict | None:
    guard = None if tool is None else guard_of(route)
    if guard is None or tool is None or not isinstance(token, TokenInfo):
        return None
    missing = " ".join(sorted(guard.rules.of_tool(tool).difference(token.scopes)))
    if not missing:
        return None
    reason = f"the token lacks the scope {missing}, which the tool {tool} needs"
    return Verdict(INSUFFICIENT_SCOPE.status, reason, route.path)


def _error(route: Route, token: TokenInfo | str | None) -> tuple[AuthError | None, str]:
    """Why the route does not let the token's client in, and the same in words."""
    if not route.protected:
        return None, ""
    if not isinstance(token, TokenInfo):
        return AuthError.MISSING, token or "the route needs a token"
    if OWN not in route.issuers:
        return AuthError.INVALID, "the route takes tokens of other issuers only"
    error = check_access(token, route.scopes, route.audience, now=0, proven=token.cnf)
    missing = " ".join(sorted(route.scopes.difference(token.scopes)))
    words = {
        AuthError.SCOPE: f"the token lacks the scope {missing}",
        AuthError.AUDIENCE: f"the token is not for the audience {route.audience}",
    }
    return error, "" if error is None else words.get(error, "the token is not valid")
