"""Refusals of requests without a sufficient token: the problem, and its response, rendered once.

RFC 6750 section 3, RFC 9449 section 7.1: the challenge names the scheme that the request used.
"""

from __future__ import annotations

from gateway.http.exchange import RequestHead
from gateway.http.prepared_response import PreparedResponse, prepared
from gateway.http.problems import (
    BAD_REQUEST,
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    MISSING_TOKEN,
    Problem,
    ProblemType,
)
from gateway.http.route import Route
from gateway.oauth.bearer import DPOP, AuthError, challenge
from gateway.runtime.caches import MIB, cached_unchecked, register

_KINDS: dict[AuthError, ProblemType] = {
    AuthError.MISSING: MISSING_TOKEN,
    AuthError.MALFORMED: BAD_REQUEST,
    AuthError.INVALID: INVALID_TOKEN,
    AuthError.SCOPE: INSUFFICIENT_SCOPE,
    AuthError.AUDIENCE: INSUFFICIENT_SCOPE,
    AuthError.PROOF: INVALID_TOKEN,
    AuthError.NONCE: INVALID_TOKEN,
}
_DETAILS = {
    AuthError.MALFORMED: "The Authorization header is malformed.",
    AuthError.SCOPE: "The access token lacks a scope that this route needs.",
    AuthError.AUDIENCE: "The access token is not meant for this route.",
    AuthError.PROOF: "The DPoP proof is missing, not valid, or was used before.",
    AuthError.NONCE: "The DPoP proof must bear the nonce of the DPoP-Nonce header.",
}
# By what the configuration says of routes: their number bounds it long before this does.
_CHALLENGES = register("rendered challenges", __name__, entries=4096, total_bytes=12 * MIB)


def scheme_of(request: RequestHead) -> str:
    """The authentication scheme that the request uses, and so that of the challenge."""
    given = request.values(b"authorization")
    return DPOP if given and given[0][:5].lower() == b"dpop " else "Bearer"


class AuthProblem(Problem):
    """The problem of a request whose token does not suffice."""

    refusal: AuthError
    needed: frozenset[str] | None = None
    """The scopes that the request needs; None: the route's."""


CODES = {refusal: kind.code for refusal, kind in _KINDS.items()}
"""The code of each refusal's problem."""


def auth_problem(refusal: AuthError, route: Route, realm: str, *, scheme: str = "Bearer") -> AuthProblem:
    """The problem of a request whose token does not suffice."""
    value = challenge(
        refusal, realm=realm, metadata=route.metadata_url, scope=route.scope_text, scheme=scheme
    )
    problem = AuthProblem(
        _KINDS[refusal], _DETAILS.get(refusal, ""), headers=[(b"WWW-Authenticate", value.encode())]
    )
    problem.refusal = refusal
    return problem


@cached_unchecked(_CHALLENGES)
def prepared_challenge(
    refusal: AuthError, route: Route, realm: str, scheme: str = "Bearer"
) -> PreparedResponse:
    """The response to a request whose token does not suffice."""
    return prepared(auth_problem(refusal, route, realm, scheme=scheme))
