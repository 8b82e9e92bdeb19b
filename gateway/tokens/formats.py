"""In which format a client gets its tokens: opaque, or JWT."""

from __future__ import annotations

from typing import Protocol

from gateway.oauth.opaque import OpaqueTokens
from gateway.oauth.values import Client, TokenFacts
from gateway.tokens.jwt import JwtTokens

OPAQUE = "opaque"
JWT = "jwt"
FORMATS = (OPAQUE, JWT)


class TokenForm(Protocol):
    """How one token is made."""

    @property
    def mark(self) -> str:
        """Sets apart the tokens that can't be given out in each other's place."""

    def completed(self, facts: TokenFacts) -> TokenFacts:
        """The facts, with what the format adds to them."""

    def make(self, facts: TokenFacts) -> str:
        """A new token of these facts."""


class OpaqueForm:
    """A token that says nothing."""

    mark = ""

    def __init__(self, tokens: OpaqueTokens) -> None:
        self._tokens = tokens

    def completed(self, facts: TokenFacts) -> TokenFacts:
        """The facts as they are."""
        return facts

    def make(self, facts: TokenFacts) -> str:
        """A new token."""
        return self._tokens.make()


class TokenFormats:
    """Each client's own format, or the instance's."""

    def __init__(self, opaque: OpaqueTokens, jwts: JwtTokens, default: str = OPAQUE) -> None:
        self._opaque = OpaqueForm(opaque)
        self._jwts = jwts
        self._default = default

    def known(self, client: Client) -> TokenForm | None:
        """How to make a token for this client, where that needs no waiting."""
        return self._jwts.known_form() if (client.format or self._default) == JWT else self._opaque

    async def of(self, client: Client) -> TokenForm:
        """How to make a token for this client. Raises StoreUnavailable where there is no key to sign with."""
        return self.known(client) or await self._jwts.form()
