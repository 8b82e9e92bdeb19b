"""Nonces that a gateway gives for DPoP proofs (RFC 9449 sections 8 and 9).

They are made from a key and the time: every worker, and every gateway with the same `tokens.key`, knows
them without keeping any.
"""

from __future__ import annotations

import hmac

from gateway.jwk import encode

PERIOD = 120
"""Seconds after which there is another nonce; one is taken until the end of the period after its own."""
_TAG_BYTES = 18


class Nonces:
    """Makes and recognises nonces under one key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def current(self, now: float) -> str:
        """The nonce of this period."""
        return self._of(int(now // PERIOD))

    def is_ours(self, nonce: str, now: float) -> bool:
        """Whether the nonce is of this period or a neighbour: clocks of gateways differ a little."""
        period = int(now // PERIOD)
        given = nonce.encode("utf-8", "replace")
        return any(hmac.compare_digest(self._of(period + step).encode(), given) for step in (0, -1, 1))

    def _of(self, period: int) -> str:
        return encode(hmac.digest(self._key, b"%d" % period, "sha256")[:_TAG_BYTES])
