"""Reads a JWT without believing it: what it says, and what has to be signed."""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

LONGEST = 8192
"""Characters of a token that is looked at."""
ACCESS_TOKEN = "at+jwt"  # noqa: S105 (a type's name)
"""RFC 9068 section 2.1: the type of a JWT access token."""
# RFC 7515 section 3.1: three parts, base64url without padding. A signature is never empty.
_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


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
    if len(token) > LONGEST or not (shape := _SHAPE.fullmatch(token)):
        return None
    try:
        header, claims = _object(shape[1]), _object(shape[2])
        signature = _bytes(shape[3])
    except (ValueError, RecursionError):
        return None
    # RFC 7515 section 4.1.11: who does not understand what "crit" names must reject the token. `jku`, `x5u`
    # and `jwk` are not looked at: a token does not say which key is to be trusted (RFC 8725 section 3.10).
    if "crit" in header or "b64" in header:
        return None
    return Jwt(header, claims, token[: shape.end(2)].encode(), signature)


def encoded(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if encoded(data) != text:
        # The same bytes in another spelling would be another name for the same token.
        raise ValueError("not the one way to write it")
    return data


def _object(text: str) -> dict[str, Any]:
    value = json.loads(_bytes(text).decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    if type(value) is not dict:
        raise ValueError("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7515 section 4 and RFC 7519 section 4: names must be unique.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")
