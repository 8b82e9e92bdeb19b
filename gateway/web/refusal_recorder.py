"""Notes why a request was refused, for `gatepost why`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.http.exchange import ERROR_CODE, REFUSAL_REASON, Exchange
from gateway.http.limit_names import BODY, BODY_OF_ROUTE
from gateway.http.problems import Problem
from gateway.oauth.bearer import AuthError
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import TokenInfo
from gateway.oauth_flows.client_request import ClientRequest
from gateway.oauth_flows.token import TokenRequestState
from gateway.proxy.access import FindToken
from gateway.proxy.challenges import CODES, AuthProblem, auth_problem
from gateway.proxy.request_tokens import presented_credentials
from gateway.server.connection_manager import Reached
from gateway.telemetry.refusals import Refusal, RefusalBuffer

WhyInvalid = Callable[[str, frozenset[str]], str]
"""Why a token is not valid for a route that accepts these issuers, in words."""


@dataclass(frozen=True, slots=True)
class RefusalRecorder:
    """One for a configuration. Every method returns at once; the store is told later."""

    buffer: RefusalBuffer
    find_token: FindToken
    why_invalid: WhyInvalid
    clock: Clock
    configuration: str
    """The configuration's hash."""
    reached: Reached
    """Hears of limits that requests have passed."""

    def problem(self, exchange: Exchange, problem: Problem) -> None:
        """A request on a route got a problem."""
        exchange.state[ERROR_CODE] = problem.kind.code
        if problem.limit:
            own = problem.limit == BODY and exchange.max_body is not None
            self.reached(BODY_OF_ROUTE if own else problem.limit, exchange.request.peer.address)
        error = problem.refusal if isinstance(problem, AuthProblem) else None
        if self.buffer.has_room():
            self.buffer.keep(self._on_route(exchange, problem, error))

    def unauthorized(self, exchange: Exchange, error: AuthError) -> None:
        """A request on a route brought no sufficient token."""
        exchange.state[ERROR_CODE] = CODES[error]
        if self.buffer.has_room():
            self.buffer.keep(self._on_route(exchange, auth_problem(error, exchange.route, ""), error))

    def unrouted(self, method: str, path: str, address: str, request_id: str, problem: Problem) -> None:
        """A request was refused that no route took; `method` and `path` are empty where there are none."""
        if problem.limit:
            self.reached(problem.limit, address)
        if self.buffer.has_room():
            self.buffer.keep(self._refusal(request_id, method, path, problem))

    def oauth(self, path: bytes, request_id: str, call: ClientRequest | None, error: OAuthError) -> None:
        """An OAuth endpoint refused a request. `call`: what its steps have found; None: nothing."""
        if self.buffer.has_room():
            self.buffer.keep(self._oauth(path, request_id, call, error))

    def _on_route(self, exchange: Exchange, problem: Problem, error: AuthError | None = None) -> Refusal:
        request, route = exchange.request, exchange.route
        needed = problem.needed if isinstance(problem, AuthProblem) else None
        token, reason = exchange.token, _reason(problem)
        if error is not None and error is not AuthError.MISSING:
            token, reason = self._judged(exchange, error, reason)
        return Refusal(
            exchange.request_id,
            self.clock(),
            request.method,
            _text(request.path),
            problem.kind.status,
            problem.kind.code,
            reason,
            detail=problem.detail,
            route=route.path,
            client="" if token is None else token.client,
            scopes_needed=tuple(sorted(route.scopes if needed is None else needed)),
            scopes_had=() if token is None else tuple(token.scopes),
            audience_needed=route.audience or "",
            configuration=self.configuration,
        )

    def _judged(self, exchange: Exchange, error: AuthError, reason: str) -> tuple[TokenInfo | None, str]:
        """The token that did not suffice, if it is known, and why it did not."""
        credentials, issuers = presented_credentials(exchange.request, exchange.route), exchange.route.issuers
        if isinstance(credentials, AuthError):
            return None, reason
        noted = exchange.state.get(REFUSAL_REASON)
        if noted:
            reason = f"{reason} ({noted})"
        elif error is AuthError.INVALID:
            return None, f"{reason} {self.why_invalid(credentials.token, issuers)}"
        # It has just been found, so that it is in the cache; what is not is left out.
        found = self.find_token(credentials.token, issuers)
        if isinstance(found, TokenInfo):
            return found, reason
        if found is not None and hasattr(found, "close"):
            found.close()  # a coroutine that nobody awaits
        return None, reason

    def _refusal(self, request_id: str, method: str, path: str, problem: Problem) -> Refusal:
        status, code = problem.kind.status, problem.kind.code
        reason, configuration = _reason(problem), self.configuration
        return Refusal(
            request_id,
            self.clock(),
            method,
            path,
            status,
            code,
            reason,
            detail=problem.detail,
            configuration=configuration,
        )

    def _oauth(self, path: bytes, request_id: str, call: ClientRequest | None, error: OAuthError) -> Refusal:
        client = getattr(call, "client", None)
        proof = getattr(call, "proof", None)
        return Refusal(
            request_id,
            self.clock(),
            "POST",
            _text(path),
            error.status,
            error.error,
            str(error),
            detail=str(error.body.get("error_description", "")),
            client="" if client is None else client.id,
            claimed="" if client is not None or proof is None else proof.client_id,
            grant=call.grant_type if isinstance(call, TokenRequestState) else "",
            configuration=self.configuration,
        )


def _reason(problem: Problem) -> str:
    """For operators: what is behind the problem, if that says more than its detail."""
    behind = str(problem)
    return problem.detail if behind == problem.detail else f"{problem.detail} ({behind})"


def _text(path: bytes) -> str:
    return path.decode("latin-1")
