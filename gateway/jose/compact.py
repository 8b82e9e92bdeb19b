"""Reads a JWT without believing it: what it says, and what has to be signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.jwk import encode as encoded
from gateway.oauth.jws import LONGEST, read_parts

__all__ = ["ACCESS_TOKEN", "LONGEST", "Jwt", "encoded", "read_jwt"]

ACCESS_TOKEN = "at+jwt"  # noqa: S105 (a type's name)
"""RFC 9068 section 2.1: the type of a JWT access token."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A token's parts. Nothing in it can be believed before its signature is verified."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    """What the signature is over."""
    signature: bytes

    def named(self, name: str) -> str | None:
        """A header parameter that must be text, or None."""
        value = self.header.get(name)
        return value if isinstance(value, str) else None

    @property
    def issuer(self) -> str | None:
        """Who says that it issued the token."""
        value = self.claims.get("iss")
        return value if isinstance(value, str) else None

    @property
    def type(self) -> str:
        """What kind of token it says to be, as RFC 7515 section 4.1.9 shortens it; `jwt` if it is silent."""
        kind = self.header.get("typ", "jwt")
        return kind.lower().removeprefix("application/") if isinstance(kind, str) else ""


def read_jwt(token: str) -> Jwt | None:
    """The parts of a token; None for what is no JWT, too large, or has a header that must be understood."""
    if "." not in token:  # a made-up token, most often
        return None
    try:
        header, claims, signed, signature = read_parts(token)
    except ValueError:
        return None
    # RFC 7515 section 4.1.11: who does not understand what "crit" names must reject the token. `jku`, `x5u`
    # and `jwk` are not looked at: a token does not say which key is to be trusted (RFC 8725 section 3.10).
    if "crit" in header or "b64" in header:
        return None
    return Jwt(header, claims, signed, signature)
