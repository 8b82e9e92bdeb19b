"""Parses a JWT without verifying it: its claims, and the bytes that its signature covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gateway.jose.jwk import encode as encoded
from gateway.jose.jws import MAX_LENGTH, read_parts, short_type

__all__ = ["ACCESS_TOKEN", "MAX_LENGTH", "Jwt", "encoded", "read_jwt"]

ACCESS_TOKEN: Final = "at+jwt"  # noqa: S105 (a type's name)
"""RFC 9068 section 2.1: the type of a JWT access token."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """The parts of a JWT. None of them can be trusted before the signature is verified."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    """The JWS signing input."""
    signature: bytes

    def named(self, name: str) -> str | None:
        """A header parameter that must be a string; None where it is missing or is not one."""
        value = self.header.get(name)
        return value if isinstance(value, str) else None

    @property
    def issuer(self) -> str | None:
        """The `iss` claim."""
        value = self.claims.get("iss")
        return value if isinstance(value, str) else None

    @property
    def type(self) -> str:
        """The `typ` header, shortened as in RFC 7515 section 4.1.9; `jwt` if there is none."""
        return short_type(self.header.get("typ", "jwt"))


def read_jwt(token: str) -> Jwt | None:
    """Parses a token. None where it is not a JWT, is too long, or has a critical header parameter."""
    if "." not in token:  # opaque and made-up tokens
        return None
    try:
        header, claims, signed, signature = read_parts(token)
    except ValueError:
        return None
    # RFC 7515 section 4.1.11: a recipient that does not support what "crit" names must reject the token.
    # `jku`, `x5u` and `jwk` are ignored: a token must not choose its own key (RFC 8725 section 3.10).
    if "crit" in header or "b64" in header:
        return None
    return Jwt(header, claims, signed, signature)
