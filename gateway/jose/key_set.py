"""Another issuer's public keys (RFC 7517 section 5), parsed strictly: they come from another server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from gateway.jose.compact import Jwt
from gateway.jose.jwk import PublicKey, read_jwk
from gateway.jose.signatures import ALL_ALGORITHMS

MAX_KEYS: Final = 100
"""Keys in one set; a larger set is refused."""

JWT_SVID: Final = "jwt-svid"
"""The use of a signing key in a SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4.2.2)."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys by their kid; those without one under the empty name."""

    keys: dict[str, tuple[PublicKey, ...]]

    def __contains__(self, kid: str) -> bool:
        return kid in self.keys

    def verifies(self, jwt: Jwt, algorithm: str) -> bool:
        """Whether one of the keys that the token may refer to verifies it.

        A token without a kid may refer to any key (RFC 7515 section 4.1.4: the parameter is a hint).
        """
        kid = jwt.named("kid")
        if kid is None:
            meant = [key for keys in self.keys.values() for key in keys]
        else:
            meant = list(self.keys.get(kid, ()))
        return any(key.verifies(algorithm, jwt.signed, jwt.signature) for key in meant)


def read_key_set(data: bytes) -> KeySet:
    """The keys of a JWK Set that verify signatures. Others are ignored (section 5).

    Raises:
        ValueError: it is not a JWK Set, or has no such key.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    members = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(members, list):
        raise ValueError("is no JWK Set")
    keys: dict[str, tuple[PublicKey, ...]] = {}
    for member in members[:MAX_KEYS]:
        key = _public_key(member)
        if key is not None:
            keys[key.kid or ""] = (*keys.get(key.kid or "", ()), key)
    if not keys:
        raise ValueError("has no key that signatures can be verified with")
    return KeySet(keys)


def _public_key(member: Any) -> PublicKey | None:
    """Reads one key. None where it is private, not for signatures, malformed or too weak."""
    if isinstance(member, dict) and member.get("use") == JWT_SVID:
        member = {**member, "use": "sig"}
    try:
        return read_jwk(member, ALL_ALGORITHMS)
    except ValueError:
        return None
