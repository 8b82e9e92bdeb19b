"""Token formats: opaque, or JWT."""

from __future__ import annotations

from typing import Protocol

from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.store import token_head
from gateway.tokens.jwt_tokens import JwtTokens, Maker

OPAQUE = "opaque"
JWT = "jwt"
FORMATS = (OPAQUE, JWT)


class TokenFormat(Protocol):
    """Creates tokens."""

    @property
    def format_id(self) -> str:
        """Part of the reuse key: tokens of another format are not reused."""

    def audience(self, granted: tuple[str, ...]) -> tuple[str, ...]:
        """Whom a token is for that was granted for these resources."""

    def make(self, facts: TokenInfo) -> str:
        """A new token with these facts."""

    def maker(self, facts: TokenInfo) -> Maker:
        """Makes tokens with these facts, but for their times."""


class OpaqueFormat:
    """Opaque tokens."""

    format_id = ""

    def __init__(self, tokens: OpaqueTokens) -> None:
        self._tokens = tokens

    def audience(self, granted: tuple[str, ...]) -> tuple[str, ...]:
        """The resources, as they were granted."""
        return granted

    def make(self, facts: TokenInfo) -> str:
        """A new token."""
        return self._tokens.make(token_head(facts.client))

    def maker(self, facts: TokenInfo) -> Maker:
        """What is known of an opaque token stands in the store alone."""
        make, head = self._tokens.make, token_head(facts.client)
        return lambda _issued, _expires: make(head)


class TokenFormats:
    """The format of each client: its own, or `tokens.format`."""

    def __init__(self, opaque: OpaqueTokens, jwts: JwtTokens, default: str = OPAQUE) -> None:
        self._opaque = OpaqueFormat(opaque)
        self._jwts = jwts
        self._default = default

    def known(self, client: Client) -> TokenFormat | None:
        """The format for this client, where no store command is needed."""
        return self._jwts.known_form() if (client.format or self._default) == JWT else self._opaque

    async def of(self, client: Client) -> TokenFormat:
        """The format for this client. Raises StoreUnavailable where there is no signing key."""
        return self.known(client) or await self._jwts.form()
