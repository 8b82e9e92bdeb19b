"""JWT access tokens as RFC 9068 has them."""

from __future__ import annotations

import json
from typing import Any

from gateway.jose.compact import ACCESS_TOKEN, encoded
from gateway.jose.signing_key import SigningKey
from gateway.oauth.values import TokenFacts


def access_token(facts: TokenFacts, issuer: str, jti: str, key: SigningKey) -> str:
    """The token that says these facts, signed."""
    # RFC 9068 section 2.1: the type keeps it from being taken for another kind of JWT.
    header = {"typ": ACCESS_TOKEN, "alg": key.algorithm, "kid": key.kid}
    signed = f"{_part(header)}.{_part(claims(facts, issuer, jti))}"
    return f"{signed}.{encoded(key.sign(signed.encode()))}"


def claims(facts: TokenFacts, issuer: str, jti: str) -> dict[str, Any]:
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
    # Section 2.2.3: a token that was asked for with scopes should say them.
    return required | ({"scope": " ".join(facts.scopes)} if facts.scopes else {})


def _part(members: dict[str, Any]) -> str:
    return encoded(json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode())
