"""Tokens in requests, and the challenges that answer them (RFC 6750; RFC 9449 section 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from gateway.jose.signatures import ALGORITHMS
from gateway.oauth.model import OWN, TokenInfo

# RFC 6750 section 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
_B64TOKEN: Final = re.compile(rb"[A-Za-z0-9\-._~+/]+=*\Z")
MAX_TOKEN: Final = 8192
DPOP: Final = "DPoP"
REALM: Final = "gatepost"
"""The protection space that challenges of routes name (RFC 9110 section 11.5)."""
NOTHING_PROVEN: Final[Mapping[str, str]] = MappingProxyType({})


class AuthError(Enum):
    """Why a request is not let in, by RFC 6750 section 3.1."""

    # Each is the only one of its kind; an Enum's own hash is many times slower.
    __hash__ = object.__hash__

    MISSING = "missing"
    MALFORMED = "invalid_request"
    INVALID = "invalid_token"
    SCOPE = "insufficient_scope"
    AUDIENCE = "audience"
    PROOF = "invalid_dpop_proof"
    NONCE = "use_dpop_nonce"


@dataclass(slots=True)
class BearerCredentials:
    """A token as a request brings it."""

    token: str
    dpop: bool
    """Whether it comes with a DPoP proof, in place of being a bearer token."""


def read_bearer(authorization: Sequence[bytes]) -> str | AuthError:
    """The bearer token in the Authorization header. To who knows bearer tokens only, others are missing."""
    presented = read_token(authorization)
    if isinstance(presented, AuthError):
        return presented
    return AuthError.MISSING if presented.dpop else presented.token


def read_token(authorization: Sequence[bytes]) -> BearerCredentials | AuthError:
    """The token in the Authorization header. A token in the query or the body is not looked at."""
    if not authorization:
        return AuthError.MISSING
    if len(authorization) > 1:
        return AuthError.MALFORMED
    scheme, space, token = authorization[0].partition(b" ")
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    scheme = scheme.lower()
    if scheme not in (b"bearer", b"dpop"):
        return AuthError.MISSING
    if not space:
        return AuthError.MALFORMED
    return read_token_value(token.strip(b" "), dpop=scheme == b"dpop")


def read_token_value(token: bytes, *, dpop: bool = False) -> BearerCredentials | AuthError:
    """A token by itself."""
    if len(token) > MAX_TOKEN or not _B64TOKEN.match(token):
        return AuthError.MALFORMED
    return BearerCredentials(token.decode("ascii"), dpop)


def check_access(
    facts: TokenInfo | None,
    scopes: frozenset[str],
    audience: str | None,
    now: float,
    proven: Mapping[str, str] = NOTHING_PROVEN,
) -> AuthError | None:
    """Whether a token suffices for a route, judged anew on every request; None where it does.

    `proven` is what the caller has proven to hold. A token that is bound to anything else, or to something
    that is not known here, is not let in.
    """
    if facts is None:
        return AuthError.INVALID
    # The store says how long an own token lives, whatever this machine's clock says.
    if facts.issuer != OWN and now >= facts.expires:
        return AuthError.INVALID
    # RFC 8705 section 3, RFC 9449 section 7.2: a bound token is never taken as a bearer token.
    if facts.cnf and not _proves(proven, facts.cnf):
        return AuthError.INVALID
    for scope in scopes:
        if scope not in facts.scopes:
            return AuthError.SCOPE
    if audience is not None and audience not in facts.audience:
        return AuthError.AUDIENCE
    return None


def _proves(proven: Mapping[str, str], bound_to: Mapping[str, str]) -> bool:
    return all(proven.get(name) == value for name, value in bound_to.items())


_NAME_THE_SCOPE: Final = frozenset(
    {AuthError.MISSING, AuthError.INVALID, AuthError.SCOPE, AuthError.AUDIENCE}
)


def challenge(
    refusal: AuthError, *, realm: str, metadata: str, scope: str = "", scheme: str = "Bearer"
) -> str:
    """The value of WWW-Authenticate: each attribute once, escaped (RFC 6750 section 3, RFC 9728 section 5.1).

    Section 3.1: a request without any credentials gets no error code. `scope` is what the route needs: a
    client without a token, or with one that lacks a scope, learns what to ask the token endpoint for.
    """
    attributes = [("realm", realm)]
    if refusal in (AuthError.SCOPE, AuthError.AUDIENCE):
        attributes += [("error", "insufficient_scope")]
    elif refusal is not AuthError.MISSING:
        attributes += [("error", refusal.value)]
    attributes += [("scope", scope)] if scope and refusal in _NAME_THE_SCOPE else []
    attributes += [("algs", " ".join(ALGORITHMS))] if scheme == DPOP else []
    attributes += [("resource_metadata", metadata)] if metadata else []
    return scheme + " " + ", ".join(f'{name}="{_escaped(value)}"' for name, value in attributes)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
