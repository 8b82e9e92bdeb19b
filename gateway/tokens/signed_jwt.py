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
    header = {"typ": kind, "alg": key.algorithm, "kid": key.kid}
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{encoded(key.sign(signed.encode()))}"


def _part(members: Mapping[str, Any]) -> str:
    return encoded(_compact(members).encode())
