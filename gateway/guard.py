"""Judges tokens: forged ones without the store, the others by what the store knows of them."""

from __future__ import annotations

from gateway.clients import Clients
from gateway.oauth.opaque import OpaqueTokens, token_hash
from gateway.oauth.values import TokenFacts
from gateway.store.tokens import TokenStore


class Guard:
    """Finds the facts of a token. Whether they suffice for a route is judged by `gateway.oauth.bearer`."""

    def __init__(self, store: TokenStore, tokens: OpaqueTokens, clients: Clients) -> None:
        self._store = store
        self._tokens = tokens
        self._clients = clients

    async def facts(self, token: str) -> TokenFacts | None:
        """What is known of a live token; None where it is forged, revoked, expired or its client gone.

        Raises:
            StoreUnavailable: it can't be known now, and so nobody is let in.
        """
        if not self._tokens.is_ours(token):
            return None
        facts = await self._store.facts(token_hash(token))
        return facts if facts is not None and self._clients.may_hold(facts) else None
