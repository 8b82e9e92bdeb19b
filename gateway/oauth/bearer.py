"""Bearer tokens in requests, and the challenges that answer them (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from gateway.oauth.values import TokenFacts

# RFC 6750 section 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
_B64TOKEN = re.compile(rb"[A-Za-z0-9\-._~+/]+=*\Z")
MAX_TOKEN = 8192


class Refusal(Enum):
    """Why a request is not let in, by RFC 6750 section 3.1."""

    MISSING = "missing"
    MALFORMED = "invalid_request"
    INVALID = "invalid_token"
    SCOPE = "insufficient_scope"
    AUDIENCE = "audience"


def read_bearer(authorization: Sequence[bytes]) -> str | Refusal:
    """The token in the Authorization header. A token in the query or the body is not looked at."""
    if not authorization:
        return Refusal.MISSING
    if len(authorization) > 1:
        return Refusal.MALFORMED
    scheme, space, token = authorization[0].partition(b" ")
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    if scheme.lower() != b"bearer":
        return Refusal.MISSING
    token = token.strip(b" ")
    if not space or len(token) > MAX_TOKEN or not _B64TOKEN.match(token):
        return Refusal.MALFORMED
    return token.decode("ascii")


def judge(
    facts: TokenFacts | None, scopes: frozenset[str], audience: str | None, now: float
) -> Refusal | None:
    """Whether a token suffices for a route, judged anew on every request; None where it does."""
    if facts is None or now >= facts.expires:
        return Refusal.INVALID
    if not scopes.issubset(facts.scopes):
        return Refusal.SCOPE
    if audience is not None and audience not in facts.audience:
        return Refusal.AUDIENCE
    return None


def challenge(refusal: Refusal, *, realm: str, metadata: str, scope: str = "", scheme: str = "Bearer") -> str:
    """The value of WWW-Authenticate: each attribute once, escaped (RFC 6750 section 3, RFC 9728 section 5.1).

    Section 3.1: a request without any credentials gets no error code.
    """
    attributes = [("realm", realm)]
    if refusal in (Refusal.SCOPE, Refusal.AUDIENCE):
        attributes += [("error", "insufficient_scope")]
        attributes += [("scope", scope)] if scope else []
    elif refusal is not Refusal.MISSING:
        attributes += [("error", refusal.value)]
    attributes += [("resource_metadata", metadata)] if metadata else []
    return scheme + " " + ", ".join(f'{name}="{_escaped(value)}"' for name, value in attributes)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
