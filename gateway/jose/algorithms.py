"""The signature algorithms, by the names of RFC 7518 and RFC 8037. The library does the arithmetic."""

from __future__ import annotations

from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

Key = Any
"""A key as the library has it."""


def sign(algorithm: str, key: Key, data: bytes) -> bytes:
    """The signature over `data`."""
    return JWSRegistry.algorithms[algorithm].sign(data, key)


def verify(algorithm: str, key: Key, data: bytes, signature: bytes) -> bool:
    """Whether the signature is right. The caller has made sure that the algorithm is one that it allows.

    RFC 8725 section 3.1: the key must be of the algorithm's kind, so no public key is taken for a secret.
    """
    model = JWSRegistry.algorithms[algorithm]
    try:
        model.check_key(key)
        return bool(model.verify(data, signature, key))
    except (JoseError, ValueError, TypeError):
        return False
