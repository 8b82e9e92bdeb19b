"""Refusals of requests without a sufficient token: the problem, and its response, rendered once.

RFC 6750 section 3, RFC 9449 section 7.1: the challenge names the scheme that the request used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as json_string

from gateway.http.exchange import Headers, RequestHead
from gateway.http.header_fields import render_header_lines
from gateway.http.problems import (
    BAD_REQUEST,
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    MISSING_TOKEN,
    Problem,
    ProblemType,
)
from gateway.http.responses import date_header, problem_headers, reason_phrase
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
_CHALLENGES = register("rendered challenges", __name__, entries=4096, total_bytes=10 * MIB)


def scheme_of(request: RequestHead) -> str:
    """The authentication scheme that the request uses, and so that of the challenge."""
    given = request.value(b"authorization") or b""
    return DPOP if given[:5].lower() == b"dpop " else "Bearer"


class AuthProblem(Problem):
    """The problem of a request whose token does not suffice."""

    refusal: AuthError
    needed: frozenset[str] | None = None
    """The scopes that the request needs; None: the route's."""


def problem_type(refusal: AuthError) -> ProblemType:
    """The row of the table of problems."""
    return _KINDS[refusal]


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


@dataclass(frozen=True, slots=True)
class PreparedResponse:
    """A response in HTTP/1.1, not to HEAD, but for what differs from request to request."""

    status: int
    start: bytes
    """The status line and the problem's headers."""
    problem: str
    """The body up to the request's id."""

    def body(self, request_id: str) -> bytes:
        """The body."""
        return f"{self.problem}{json_string(request_id)}}}".encode()

    def message(self, body: bytes, extra: Headers, *, keep_alive: bool, now: float) -> bytes:
        """The same bytes that `response_bytes` makes."""
        return b"%s%sDate: %s\r\nContent-Length: %d\r\n%s\r\n%s" % (
            self.start,
            render_header_lines(extra) if extra else b"",
            date_header(int(now)),
            len(body),
            b"" if keep_alive else b"Connection: close\r\n",
            body,
        )


@cached_unchecked(_CHALLENGES)
def prepared_challenge(
    refusal: AuthError, route: Route, realm: str, scheme: str = "Bearer"
) -> PreparedResponse:
    """The response to a request whose token does not suffice."""
    problem = auth_problem(refusal, route, realm, scheme=scheme)
    status = problem.kind.status
    start = b"HTTP/1.1 %d %s\r\n%s" % (
        status,
        reason_phrase(status),
        render_header_lines(problem_headers(problem)),
    )
    body = json.dumps(problem.document(""), separators=(",", ":"))
    return PreparedResponse(status, start, body.removesuffix('""}'))
