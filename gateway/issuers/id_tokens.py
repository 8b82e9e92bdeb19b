"""Which ID tokens are taken (OpenID Connect Core 1.0 section 3.1.3.7). Signatures are checked elsewhere."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.issuers.rules import InvalidToken, check_times, texts_of
from gateway.jose.compact import Jwt

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}) | {
    "EdDSA",
    "Ed25519",
}
"""Signatures by public keys only: `none` and HMAC are refused, whatever the provider announces."""
LEEWAY = 30
"""Seconds that the provider's clock may be off."""
MAX_AGE = 600
"""Seconds since an ID token was issued: it has just been fetched."""
MAX_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class ExpectedIdToken:
    """What an ID token must say."""

    issuer: str
    client_id: str
    nonce: str


def check_id_token(jwt: Jwt, expected: ExpectedIdToken, now: float) -> Mapping[str, Any]:
    """The claims of an ID token that has been fetched for this sign-in.

    Raises:
        InvalidToken: it is another's, of another time, or for another sign-in.
    """
    said = jwt.claims
    # RFC 8725 section 3.11: an access token, or a logout token, is no ID token.
    if jwt.type != "jwt":
        raise InvalidToken("another type")
    if jwt.named("alg") not in ALGORITHMS:
        raise InvalidToken("another algorithm")
    if said.get("iss") != expected.issuer:
        raise InvalidToken("another issuer")
    # Rule 3: the client is the audience, and there is no other that it would have to trust.
    if set(texts_of(said.get("aud"), "aud")) != {expected.client_id}:
        raise InvalidToken("for somebody else, too")
    # Rules 4 and 5.
    if said.get("azp", expected.client_id) != expected.client_id:
        raise InvalidToken("azp is another client")
    if said.get("exp") is None or said.get("iat") is None:
        raise InvalidToken("without exp or iat")
    check_times(said, LEEWAY, now)
    # Rule 10.
    if now - said["iat"] > MAX_AGE + LEEWAY:
        raise InvalidToken("issued too long ago")
    # Rule 11.
    nonce = said.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "replace"), expected.nonce.encode()
    ):
        raise InvalidToken("the nonce is another")
    _check_subject(said.get("sub"))
    return said


def _check_subject(subject: object) -> None:
    # Section 2: at most 255 ASCII characters.
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isascii():
        raise InvalidToken("no usable sub")
