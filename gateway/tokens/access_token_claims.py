"""JWT access tokens (RFC 9068)."""

from __future__ import annotations

from typing import Any

from gateway.jose.compact import ACCESS_TOKEN
from gateway.jose.signing_key import SigningKey
from gateway.oauth.client_claims import claims_of
from gateway.oauth.exchange import ACTOR, actor_of
from gateway.oauth.model import TokenInfo
from gateway.tokens.signed_jwt import signed_jwt


def access_token(facts: TokenInfo, issuer: str, jti: str, key: SigningKey) -> str:
    """A signed token with these facts as claims."""
    # RFC 9068 section 2.1: the type distinguishes it from other JWTs.
    return signed_jwt(ACCESS_TOKEN, claims(facts, issuer, jti), key)


def claims(facts: TokenInfo, issuer: str, jti: str) -> dict[str, Any]:
    """RFC 9068 section 2.2: iss, exp, aud, sub, client_id, iat and jti are required."""
    required: dict[str, Any] = {
        "iss": issuer,
        "sub": facts.subject,
        "aud": facts.audience[0] if len(facts.audience) == 1 else list(facts.audience),
        "client_id": facts.client,
        "iat": facts.issued,
        "exp": facts.expires,
        "jti": jti,
    }
    # RFC 8705 section 3.1, RFC 9449 section 6.1.
    required |= {"cnf": facts.cnf} if facts.cnf else {}
    # RFC 8693 section 4.1.
    required = claims_of(facts.extra) | required
    required |= {ACTOR: actor_of(facts.extra)} if ACTOR in facts.extra else {}
    # Section 2.2.3: a token requested with scopes should have them.
    return required | ({"scope": " ".join(facts.scopes)} if facts.scopes else {})
