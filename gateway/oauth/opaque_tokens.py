"""Opaque access tokens: made, recognised, and hidden in the store.

A token is a prefix that secret scanners know, a byte that says in which group of keys its client is, 248
random bits, and a tag under a key that is not in the store. So a token that a stranger made up is refused
without a request to the store, and whoever reads the store can neither use nor make one.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from hashlib import blake2b, sha256
from typing import Final

from gateway.runtime.caches import KIB, register

PREFIX: Final = "gpt_"
_RANDOM_BYTES: Final = 32
_TAG_BYTES: Final = 16
_TAG_CHARS: Final = 22
LENGTH: Final = len(PREFIX) + 43 + _TAG_CHARS
"""Characters of an access token."""

_FORGED: Final = register("forged tokens", __name__, entries=1024, total_bytes=512 * KIB)
Random = Callable[[int], bytes]
"""As many random bytes as asked for, which nobody can guess: `os.urandom`."""


def token_hash(token: str) -> str:
    """The name of a token in the store: the SHA-256 of it, base64url without padding."""
    return _text(sha256(token.encode()).digest())


def derived_key(master: bytes, purpose: str) -> bytes:
    """A 256-bit key for one purpose, from the instance's master key (HKDF's expand with one block)."""
    return hmac.digest(master, b"gatepost " + purpose.encode() + b"\x01", "sha256")


class OpaqueTokens:
    """Makes opaque tokens of one kind under the first key, and recognises those made under any of them."""

    __slots__ = ("_bytes", "_forged", "_keyed", "_length", "_prefix", "_random")

    def __init__(
        self,
        keys: Sequence[bytes],
        random: Random,
        prefix: str = PREFIX,
        random_bytes: int = _RANDOM_BYTES,
    ) -> None:
        # RFC 7693 section 2.9: BLAKE2 with a key is a MAC; no HMAC is needed.
        self._keyed = tuple(blake2b(key=key, digest_size=_TAG_BYTES) for key in keys)
        self._random = random
        self._prefix = prefix
        self._bytes = random_bytes
        self._length = len(prefix) + len(_text(bytes(random_bytes))) + _TAG_CHARS
        self._forged: set[str] = set()
        """Tokens whose tags were found to be wrong: who sends one of them sends it again and again."""

    def make(self, head: bytes = b"") -> str:
        """A new token that nobody can guess. `head` stands in place of its first random bytes."""
        body = self._prefix + _text(head + self._random(self._bytes - len(head)))
        return body + _tag(self._keyed[0], body.encode()).decode()

    def has_valid_tag(self, token: str) -> bool:
        """Whether this instance made the token. Says nothing about whether it is live."""
        if len(token) != self._length or token in self._forged:
            return False
        if not token.startswith(self._prefix) or not token.isascii():
            return False
        data = token.encode()
        body, given = data[:-_TAG_CHARS], data[-_TAG_CHARS:]
        for keyed in self._keyed:
            if hmac.compare_digest(_tag(keyed, body), given):
                return True
        self._remember_forged(token)
        return False

    def _remember_forged(self, token: str) -> None:
        if len(self._forged) >= _FORGED.entries:
            self._forged.clear()
        self._forged.add(token)


def _tag(keyed: blake2b, body: bytes) -> bytes:
    tag = keyed.copy()
    tag.update(body)
    return b2a_base64(tag.digest())[:_TAG_CHARS].translate(_URLSAFE)


_URLSAFE: Final = bytes.maketrans(b"+/", b"-_")


def _text(data: bytes) -> str:
    return b2a_base64(data).rstrip(b"=\n").translate(_URLSAFE).decode()
