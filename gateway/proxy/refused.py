"""What a caller is told who is not let in: worked out once for each route and reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as json_string

from gateway.exchange import Headers
from gateway.faults import BAD_REQUEST, FORBIDDEN, INVALID_TOKEN, MISSING_TOKEN, Fault, FaultKind
from gateway.fields import field_lines
from gateway.oauth.bearer import Refusal, challenge
from gateway.proxy.answers import date_header, fault_headers, reason_phrase
from gateway.proxy.routes import Route

_KINDS: dict[Refusal, FaultKind] = {
    Refusal.MISSING: MISSING_TOKEN,
    Refusal.MALFORMED: BAD_REQUEST,
    Refusal.INVALID: INVALID_TOKEN,
    Refusal.SCOPE: FORBIDDEN,
    Refusal.AUDIENCE: FORBIDDEN,
    Refusal.PROOF: INVALID_TOKEN,
    Refusal.NONCE: INVALID_TOKEN,
}
_DETAILS = {
    Refusal.MALFORMED: "The Authorization header is malformed.",
    Refusal.SCOPE: "The access token lacks a scope that this route needs.",
    Refusal.AUDIENCE: "The access token is not meant for this route.",
    Refusal.PROOF: "The DPoP proof is missing, not valid, or was used before.",
    Refusal.NONCE: "The DPoP proof must bear the nonce of the DPoP-Nonce header.",
}
MOST = 4096


def refused(refusal: Refusal, route: Route, realm: str, *, scheme: str = "Bearer") -> Fault:
    """The fault of a caller who is not let in."""
    value = challenge(
        refusal, realm=realm, metadata=route.metadata_url, scope=route.scope_text, scheme=scheme
    )
    return Fault(_KINDS[refusal], _DETAILS.get(refusal, ""), headers=[(b"WWW-Authenticate", value.encode())])


@dataclass(frozen=True, slots=True)
class Prepared:
    """The answer to it in HTTP/1.1, not to HEAD: all of it but what differs from request to request."""

    status: int
    start: bytes
    """The status line and the fault's headers."""
    problem: str
    """The body up to the request's id."""

    def body(self, request_id: str) -> bytes:
        """The body."""
        return f"{self.problem}{json_string(request_id)}}}".encode()

    def message(self, body: bytes, extra: Headers, *, keep_alive: bool, now: float) -> bytes:
        """The same bytes that `answer_bytes` makes."""
        return b"%s%sDate: %s\r\nContent-Length: %d\r\n%s\r\n%s" % (
            self.start,
            field_lines(extra) if extra else b"",
            date_header(int(now)),
            len(body),
            b"" if keep_alive else b"Connection: close\r\n",
            body,
        )


@lru_cache(maxsize=MOST)
def prepared(refusal: Refusal, route: Route, realm: str) -> Prepared:
    """The answer to a bearer token that is refused."""
    fault = refused(refusal, route, realm)
    status = fault.kind.status
    start = b"HTTP/1.1 %d %s\r\n%s" % (status, reason_phrase(status), field_lines(fault_headers(fault)))
    problem = json.dumps(fault.problem(""), separators=(",", ":"))
    return Prepared(status, start, problem.removesuffix('""}'))
