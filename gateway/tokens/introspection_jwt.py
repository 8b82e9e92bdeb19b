"""Introspection responses as signed JWTs (RFC 9701)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.jose.signing_key import SigningKey
from gateway.tokens.signed_jwt import signed_jwt

TYPE = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYPE}"


def signed_introspection(
    answer: Mapping[str, object], issuer: str, audience: str, now: float, key: SigningKey
) -> str:
    """The JWT that says an introspection answer to one caller.

    Section 5: the answer is in a claim of its own, and `sub` and `exp` are not claims of the JWT, so that it
    can't be taken for an access token.
    """
    claims = {"iss": issuer, "aud": audience, "iat": int(now), "token_introspection": dict(answer)}
    return signed_jwt(TYPE, claims, key)


def wants_jwt(accept: str | None) -> bool:
    """Whether a request asks for a signed response (section 4), and not more for JSON."""
    weights = dict(map(_weighted, (accept or "").split(",")))
    return weights.get(MEDIA_TYPE, 0.0) > 0 and weights[MEDIA_TYPE] >= weights.get("application/json", 0.0)


def _weighted(part: str) -> tuple[str, float]:
    """RFC 9110 section 12.4.2: a media type and its weight."""
    media_type, *parameters = (one.strip().lower() for one in part.split(";"))
    weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return media_type, float(weight)
    except ValueError:
        return media_type, 0.0
