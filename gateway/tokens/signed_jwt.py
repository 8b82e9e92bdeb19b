"""JWTs that the gateway signs (RFC 7519)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.jose.compact import encoded
from gateway.jose.signing_key import SigningKey

_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def signed_jwt(kind: str, claims: Mapping[str, Any], key: SigningKey) -> str:
    """A JWT of a type (`typ`), signed with a key."""
    return sign_jwt(jwt_header(kind, key), written(claims), key)


def jwt_header(kind: str, key: SigningKey) -> str:
    """The header of JWTs of a type that a key signs, encoded."""
    return encoded(written({"typ": kind, "alg": key.algorithm, "kid": key.kid}))


def sign_jwt(header: str, claims: bytes, key: SigningKey) -> str:
    """A JWT with an encoded header and claims in JSON, signed with a key."""
    signed = f"{header}.{encoded(claims)}"
    return f"{signed}.{encoded(key.sign(signed.encode()))}"


def written(members: Mapping[str, Any]) -> bytes:
    """The JSON of a header or of claims."""
    return _compact(members).encode()
