"""Keeping a token so that it can be given out again, unreadable for who reads the store."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.oauth.opaque import Random

_NONCE_BYTES = 12


class TokenSeal:
    """Encrypts tokens with AES-256-GCM under a key that is not in the store."""

    __slots__ = ("_cipher", "_random")

    def __init__(self, key: bytes, random: Random) -> None:
        self._cipher = AESGCM(key)
        self._random = random

    def seal(self, token: str, slot: str) -> bytes:
        """The token, to be opened only under the same slot name."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, token.encode(), slot.encode())

    def open(self, sealed: bytes, slot: str) -> str | None:
        """The token; None where it was sealed with another key, for another slot, or was changed."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, slot.encode()).decode()
        except (InvalidTag, ValueError):
            return None
