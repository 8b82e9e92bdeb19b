"""Keeping a token so that it can be given out again, unreadable for whoever reads the store."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.oauth.opaque_tokens import Random

_NONCE_BYTES = 12


class TokenCipher:
    """Encrypts tokens with AES-256-GCM under keys that are not in the store.

    The first key encrypts, all of them decrypt. Each slot has a key of its own, derived from these.
    """

    __slots__ = ("_keys", "_random")

    def __init__(self, keys: Sequence[bytes], random: Random) -> None:
        self._keys = keys
        self._random = random

    def seal(self, token: str, slot: str) -> bytes:
        """The encrypted token, which can be opened under the same slot name only."""
        return self.seal_bytes(token.encode(), slot)

    def seal_bytes(self, data: bytes, slot: str) -> bytes:
        """The same of anything else that nobody else may read or make up."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + _cipher(self._keys[0], slot).encrypt(nonce, data, slot.encode())

    def open(self, sealed: bytes, slot: str) -> str | None:
        """The token; None where it was encrypted with another key, for another slot, or was changed."""
        data = self.open_bytes(sealed, slot)
        try:
            return None if data is None else data.decode()
        except ValueError:
            return None

    def open_bytes(self, sealed: bytes, slot: str) -> bytes | None:
        """What `seal_bytes` has encrypted; None as for `open`."""
        opened = (_opened(key, sealed, slot) for key in self._keys)
        return next((data for data in opened if data is not None), None)

    def is_current(self, sealed: bytes, slot: str) -> bool:
        """Whether it was encrypted with the first key."""
        return _opened(self._keys[0], sealed, slot) is not None


def _opened(key: bytes, sealed: bytes, slot: str) -> bytes | None:
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return _cipher(key, slot).decrypt(nonce, text, slot.encode())
    except (InvalidTag, ValueError):
        return None


def _cipher(key: bytes, slot: str) -> AESGCM:
    # NIST SP 800-38D section 8.3: at most 2**32 random nonces under one key. With one key for all slots
    # a busy fleet would come there; a slot alone never does.
    return AESGCM(hmac.digest(key, b"slot " + slot.encode(), "sha256"))
