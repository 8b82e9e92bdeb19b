"""Nonces that a gateway gives for DPoP proofs (RFC 9449 sections 8 and 9).

They are made from a key and the time: every worker, and every gateway with the same `tokens.keys`,
recognises them without keeping any.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from gateway.jose.jwk import encode

PERIOD: Final = 120
"""Seconds after which there is another nonce; one is taken until the end of the period after its own."""
_TAG_BYTES: Final = 18


class Nonces:
    """Makes nonces under the first key, and recognises those made under any of them."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def current(self, now: float) -> str:
        """The nonce of this period."""
        return _nonce(self._keys[0], int(now // PERIOD))

    def has_valid_tag(self, nonce: str, now: float) -> bool:
        """Whether the nonce is of this period or a neighbour: clocks of gateways differ a little."""
        period = int(now // PERIOD)
        given = nonce.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(_nonce(key, period + step).encode(), given)
            for key in self._keys
            for step in (0, -1, 1)
        )


def _nonce(key: bytes, period: int) -> str:
    return encode(hmac.digest(key, b"%d" % period, "sha256")[:_TAG_BYTES])
