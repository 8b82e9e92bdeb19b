"""Gives out refresh tokens, one after the other, and ends a family whose older token is shown again."""

from __future__ import annotations

import math
from dataclasses import replace

from gateway.accounts.clients import Clients
from gateway.clock import Clock
from gateway.oauth.errors import invalid_client
from gateway.oauth.grants import IssuedToken
from gateway.oauth.opaque import token_hash
from gateway.oauth.refresh import RefreshTokens, family, invalid_grant
from gateway.oauth.values import Client, TokenFacts
from gateway.store import ClientMissing, RefreshDraft, RefreshTokenStore

GRANT = "refresh_token"


class RefreshFamilies:
    """Refresh tokens, as the grants and the endpoints use them (`gateway.oauth.lent.GrantRefreshTokens`).

    Every method that waits raises StoreUnavailable where the store has not answered.
    """

    def __init__(
        self, store: RefreshTokenStore, tokens: RefreshTokens, clients: Clients, clock: Clock
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._clients = clients
        self._clock = clock
        self._lifetime: int | None = None

    def switch_on(self, lifetime: int) -> None:
        """From now on there are some; each is good for so many seconds."""
        self._lifetime = lifetime

    def may_have(self, client: Client) -> bool:
        """Whether this client gets any."""
        return self._lifetime is not None and GRANT in client.grants

    async def begin(self, client: Client, issued: IssuedToken) -> str:
        """The first refresh token of a family, which stands for what was granted."""
        token, grant, now = self._tokens.first(), issued.grant, self._clock()
        facts = TokenFacts(
            client=client.id,
            scopes=grant.scopes,
            audience=grant.audience,
            subject=grant.subject,
            issued=int(now),
            expires=0,
            grant=issued.grant_type,
            source=client.source,
            user=grant.user,
            extra=grant.extra,
        )
        try:
            await self._store.begin(self._draft(token, facts, issued))
        except ClientMissing as error:
            raise invalid_client(str(error)) from error
        return token

    async def known(self, token: str) -> TokenFacts | None:
        """What is known of a refresh token that is good; None for any other text."""
        found = await self._store.find(family(token)) if self.is_ours(token) else None
        if found is None or found.current != token_hash(token) or not self._clients.may_hold(found.facts):
            return None
        return found.facts

    async def find(self, client: Client, token: str) -> TokenFacts:
        """What a refresh token stands for.

        Raises:
            OAuthError: `invalid_grant`. RFC 9700 section 4.14.2: one that was used before may have been
                stolen, so its family is over.
        """
        found = await self._store.find(family(token)) if self.is_ours(token) else None
        if found is None or found.facts.client != client.id or found.facts.source != client.source:
            raise invalid_grant()
        if found.current != token_hash(token):
            await self._store.end(family(token))
            raise invalid_grant()
        return found.facts

    async def rotate(self, client: Client, token: str, issued: IssuedToken) -> str:
        """The next one of its family. It stands for the same as before, whatever was asked for this time.

        Raises:
            OAuthError: `invalid_grant` where somebody else has used the token meanwhile.
        """
        facts, new = await self.find(client, token), self._tokens.next(token)
        if not await self._store.rotate(token_hash(token), self._draft(new, facts, issued)):
            raise invalid_grant()
        return new

    def is_ours(self, token: str) -> bool:
        """Whether it is a refresh token that was made here."""
        return self._tokens.is_ours(token)

    async def end(self, token: str) -> list[str]:
        """Ends its family. RFC 7009 section 2.1: with every access token of it; the names of these."""
        return await self._store.end(family(token))

    def _draft(self, token: str, facts: TokenFacts, issued: IssuedToken) -> RefreshDraft:
        lifetime = self._lifetime or 1
        facts = replace(facts, expires=math.ceil(self._clock() + lifetime))
        return RefreshDraft(family(token), token_hash(token), facts, lifetime, issued.name)
