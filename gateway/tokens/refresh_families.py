"""Issues and rotates refresh tokens, and revokes a family whose used token is presented again."""

from __future__ import annotations

import math
from dataclasses import replace

from gateway.accounts.clients import Clients
from gateway.clock import Clock
from gateway.oauth.errors import invalid_client
from gateway.oauth.grants import IssuedToken
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.opaque_tokens import token_hash
from gateway.oauth.refresh_token_format import RefreshTokens, family, invalid_grant
from gateway.store import ClientMissing, RefreshDraft, RefreshTokenStore, token_head

GRANT = "refresh_token"


class RefreshTokenFamilies:
    """Refresh tokens for grants and endpoints
    (`gateway.oauth.grant_services.GrantRefreshTokens`).

    Every coroutine raises StoreUnavailable where the store has not answered.
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
        """Enables refresh tokens, with a lifetime in seconds."""
        self._lifetime = lifetime

    def may_have(self, client: Client) -> bool:
        """Whether this client gets refresh tokens."""
        return self._lifetime is not None and GRANT in client.grants

    async def begin(self, client: Client, issued: IssuedToken) -> str:
        """The first refresh token of a family, with what was granted."""
        token, grant, now = self._tokens.first(token_head(client.id)), issued.grant, self._clock()
        facts = TokenInfo(
            client=client.id,
            scopes=grant.scopes,
            audience=grant.audience,
            subject=grant.subject,
            issued=int(now),
            expires=0,
            grant=issued.grant_type,
            source=client.source,
            user=grant.user,
            user_id=grant.user_id,
            user_generation=grant.user_generation,
            extra=grant.extra,
        )
        try:
            await self._store.begin(self._draft(token, facts, issued))
        except ClientMissing as error:
            raise invalid_client(str(error)) from error
        return token

    async def lookup(self, token: str) -> TokenInfo | None:
        """The facts of a valid refresh token; None for any other text."""
        found = await self._store.find(family(token)) if self.has_valid_tag(token) else None
        if found is None or found.current != token_hash(token) or not self._clients.may_hold(found.facts):
            return None
        return found.facts

    async def find(self, client: Client, token: str) -> TokenInfo:
        """The facts of a refresh token.

        Raises:
            OAuthError: `invalid_grant`. RFC 9700 section 4.14.2: a used one may have been stolen, so its
                family is revoked.
        """
        found = await self._store.find(family(token)) if self.has_valid_tag(token) else None
        if found is None or found.facts.client != client.id or found.facts.source != client.source:
            raise invalid_grant()
        if found.current != token_hash(token):
            await self._store.end(family(token))
            raise invalid_grant()
        return found.facts

    async def rotate(self, client: Client, token: str, issued: IssuedToken) -> str:
        """The next refresh token of the family, with the same facts, whatever was requested this time.

        Raises:
            OAuthError: `invalid_grant` where the token was used meanwhile.
        """
        facts, new = await self.find(client, token), self._tokens.next(token)
        if not await self._store.rotate(token_hash(token), self._draft(new, facts, issued)):
            raise invalid_grant()
        return new

    def has_valid_tag(self, token: str) -> bool:
        """Whether it is a refresh token of this gateway."""
        return self._tokens.has_valid_tag(token)

    async def end(self, token: str) -> list[str]:
        """Revokes its family. RFC 7009 section 2.1: with all its access tokens, whose names are returned."""
        return await self._store.end(family(token))

    def _draft(self, token: str, facts: TokenInfo, issued: IssuedToken) -> RefreshDraft:
        lifetime = self._lifetime or 1
        facts = replace(facts, expires=math.ceil(self._clock() + lifetime))
        return RefreshDraft(family(token), token_hash(token), facts, lifetime, issued.name)
