"""Finds and revokes a token of any kind, for introspection and revocation."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.oauth.confirmation import token_type
from gateway.oauth.model import TokenInfo
from gateway.tokens.refresh_families import RefreshTokenFamilies
from gateway.tokens.token_validator import TokenValidator


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A live token."""

    facts: TokenInfo
    token_type: str | None = "Bearer"  # noqa: S105 (the type's name)
    """The `token_type` of an access token (RFC 6749 section 7.1); None: it is a refresh token."""


class TokenLookup:
    """All tokens that this gateway has issued. The tag of a token has its kind, so hints are not needed.

    Every method raises StoreUnavailable where the store has not answered.
    """

    def __init__(self, token_validator: TokenValidator, refresh_tokens: RefreshTokenFamilies) -> None:
        self._token_validator = token_validator
        self._refresh_tokens = refresh_tokens

    async def find(self, token: str) -> FoundToken | None:
        """The facts of a live token; None for any other text."""
        if self._refresh_tokens.has_valid_tag(token):
            facts = await self._refresh_tokens.lookup(token)
            return None if facts is None else FoundToken(facts, None)
        facts = await self._token_validator.resolve(token)
        if facts is None:
            return None
        return FoundToken(facts, token_type(facts.cnf))

    async def end(self, token: str) -> None:
        """Revokes a token, and with a refresh token its family.

        Returns when the store has confirmed it.
        """
        if self._refresh_tokens.has_valid_tag(token):
            self._token_validator.forget(await self._refresh_tokens.end(token))
        else:
            await self._token_validator.revoke(token)
