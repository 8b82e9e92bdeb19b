"""JWT access tokens (RFC 9068)."""

from __future__ import annotations

from typing import Any

from gateway.jose.compact import ACCESS_TOKEN
from gateway.jose.signing_key import SigningKey
from gateway.oauth.client_claims import claims_of
from gateway.oauth.exchange import ACTOR, actor_of
from gateway.oauth.model import TokenInfo
from gateway.tokens.signed_jwt import jwt_header, sign_jwt, written


class AccessTokenTemplate:
    """Signs tokens with the same claims, but for their times and ids."""

    __slots__ = ("_claims", "_header", "_key")

    def __init__(self, facts: TokenInfo, issuer: str, key: SigningKey) -> None:
        """`facts`: of such a token, whatever its times."""
        # RFC 9068 section 2.1: the type distinguishes it from other JWTs.
        self._header, self._key = jwt_header(ACCESS_TOKEN, key), key
        self._claims = written(lasting_claims(facts, issuer))[1:]

    def token(self, issued: int, expires: int, jti: str) -> str:
        """A signed token. `jti` has no characters that JSON escapes."""
        claims = b'{"iat":%d,"exp":%d,"jti":"%s",%s' % (issued, expires, jti.encode(), self._claims)
        return sign_jwt(self._header, claims, self._key)


def access_token(facts: TokenInfo, issuer: str, jti: str, key: SigningKey) -> str:
    """A signed token with these facts as claims."""
    return AccessTokenTemplate(facts, issuer, key).token(facts.issued, facts.expires, jti)


def lasting_claims(facts: TokenInfo, issuer: str) -> dict[str, Any]:
    """RFC 9068 section 2.2: iss, exp, aud, sub, client_id, iat and jti are required. These are all claims but
    exp, iat and jti.
    """
    required: dict[str, Any] = {
        "iss": issuer,
        "sub": facts.subject,
        "aud": facts.audience[0] if len(facts.audience) == 1 else list(facts.audience),
        "client_id": facts.client,
    }
    # RFC 8705 section 3.1, RFC 9449 section 6.1.
    required |= {"cnf": facts.cnf} if facts.cnf else {}
    # RFC 8693 section 4.1.
    required = claims_of(facts.extra) | required
    required |= {ACTOR: actor_of(facts.extra)} if ACTOR in facts.extra else {}
    # Section 2.2.3: a token requested with scopes should have them.
    return required | ({"scope": " ".join(facts.scopes)} if facts.scopes else {})
