"""Tokens as an attacker or another server makes them: any header, any claims, any key."""

from __future__ import annotations

import json
from typing import Any

from gateway.jose.compact import encoded
from gateway.jose.signing_key import SigningKey, make_key

KEY = make_key("ES256")
OTHER = make_key("ES256")
RSA = make_key("RS256")
ED = make_key("EdDSA")


def part(value: Any) -> str:
    """One part of a token: JSON, or the bytes as they are."""
    return encoded(value if isinstance(value, bytes) else json.dumps(value).encode())


def jwt(header: Any, claims: Any, key: SigningKey | None = KEY, signature: bytes | None = None) -> str:
    """A token with exactly these parts, signed by `key` unless there is a signature."""
    signed = f"{part(header)}.{part(claims)}"
    if signature is None:
        assert key is not None
        signature = key.sign(signed.encode())
    return f"{signed}.{encoded(signature)}"
