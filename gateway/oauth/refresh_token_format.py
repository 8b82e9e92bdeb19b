"""Refresh tokens: each family has a name, which is part of every token of it (RFC 6749 section 6).

A refresh token is a prefix that secret scanners know, its family's 144 random bits, 240 random bits of its
own, and a tag under a key that is not in the store. Of a family, only the newest token is good: whoever
shows an older one has stolen it, or was stolen from (RFC 9700 section 4.14.2).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Sequence

from gateway.oauth.errors import OAuthError
from gateway.oauth.opaque_tokens import OpaqueTokens, Random

PREFIX = "gpr_"
FAMILY_BYTES = 18
_FAMILY_CHARS = 24
_BYTES = 48


class RefreshTokens:
    """Makes refresh tokens under the first key, and recognises those made under any of them."""

    def __init__(self, keys: Sequence[bytes], random: Random) -> None:
        self._tokens = OpaqueTokens(keys, random, PREFIX, _BYTES)

    def first(self, head: bytes = b"") -> str:
        """The first token of a new family, whose name begins with `head`."""
        return self._tokens.make(head)

    def next(self, token: str) -> str:
        """A token that follows another of its family."""
        return self._tokens.make(urlsafe_b64decode(family(token)))

    def has_valid_tag(self, token: str) -> bool:
        """Whether this instance made the token. Says nothing about whether it is good."""
        return self._tokens.has_valid_tag(token)


def family(token: str) -> str:
    """The name of a token's family."""
    return token[len(PREFIX) : len(PREFIX) + _FAMILY_CHARS]


def invalid_grant() -> OAuthError:
    """RFC 6749 section 5.2: it is unknown, over, used, or another client's; which, nobody is told."""
    return OAuthError("invalid_grant", "The refresh token is not valid.")
