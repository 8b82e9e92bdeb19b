"""Another issuer's public keys (RFC 7517 section 5), read with care: they come from outside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.jose.compact import Jwt
from gateway.jwk import PublicKey, read_jwk
from gateway.signatures import ALL_ALGORITHMS

MOST_KEYS = 100
"""Keys of a set that are looked at; more is no set of signing keys."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys by their kid; those without one under the empty name."""

    keys: dict[str, tuple[PublicKey, ...]]

    def __contains__(self, kid: str) -> bool:
        return kid in self.keys

    def verifies(self, jwt: Jwt, algorithm: str) -> bool:
        """Whether one of the keys that the token can mean has signed it.

        A token without a kid can mean every key (RFC 7515 section 4.1.4: the parameter is a hint).
        """
        kid = jwt.named("kid")
        if kid is None:
            meant = [key for keys in self.keys.values() for key in keys]
        else:
            meant = list(self.keys.get(kid, ()))
        return any(key.verifies(algorithm, jwt.signed, jwt.signature) for key in meant)


def read_key_set(data: bytes) -> KeySet:
    """The keys of a JWK Set that signatures can be verified with; others are let be, as section 5 has it.

    Raises:
        ValueError: it is no JWK Set, or has none of them.
    """
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("is not JSON") from None
    members = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(members, list):
        raise ValueError("is no JWK Set")
    keys: dict[str, tuple[PublicKey, ...]] = {}
    for member in members[:MOST_KEYS]:
        key = _public_key(member)
        if key is not None:
            keys[key.kid or ""] = (*keys.get(key.kid or "", ()), key)
    if not keys:
        raise ValueError("has no key that signatures can be verified with")
    return KeySet(keys)


def _public_key(member: Any) -> PublicKey | None:
    """One key; None for a private one, one that is not for signatures, is malformed or too weak."""
    try:
        return read_jwk(member, ALL_ALGORITHMS)
    except ValueError:
        return None
