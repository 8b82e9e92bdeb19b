"""Judges tokens: forged ones without the store, the others by what is known of them."""

from __future__ import annotations

import asyncio
from enum import Enum

from gateway.clients import Clients
from gateway.oauth.opaque import OpaqueTokens, token_hash
from gateway.oauth.values import TokenFacts
from gateway.store import TokenStore
from gateway.token_cache import TokenCache


class Unknown(Enum):
    """The answer of who would have to ask the store."""

    ASK = "ask the store"


class Guard:
    """Finds the facts of a token. Whether they suffice for a route is judged by `gateway.oauth.bearer`."""

    def __init__(self, store: TokenStore, cache: TokenCache, tokens: OpaqueTokens, clients: Clients) -> None:
        self._store = store
        self._cache = cache
        self._tokens = tokens
        self._clients = clients
        self._asking: dict[str, asyncio.Future[TokenFacts | None]] = {}

    def known(self, token: str) -> TokenFacts | Unknown | None:
        """What this worker knows of a token by itself; None where it is forged or its client gone."""
        facts = self._cache.get(token)
        if facts is None:
            return Unknown.ASK if self._tokens.is_ours(token) else None
        return facts if self._clients.may_hold(facts) else None

    async def facts(self, token: str) -> TokenFacts | None:
        """What is known of a live token; None where it is forged, revoked, expired or its client gone.

        Raises:
            StoreUnavailable: it can't be known now, and so nobody is let in.
        """
        known = self.known(token)
        if not isinstance(known, Unknown):
            return known
        facts = await self._asked(token)
        return facts if facts is not None and self._clients.may_hold(facts) else None

    async def revoke(self, token: str) -> None:
        """Ends a token: it is dead here at once, and everywhere as soon as the store has said so.

        Raises:
            StoreUnavailable: it may still live.
        """
        name = token_hash(token)
        await self._store.revoke(name)
        # The store says so here too; its word may come a moment after its answer.
        self._cache.forget(name)

    async def _asked(self, token: str) -> TokenFacts | None:
        """Asks the store, once for all who ask about the same token at the same time."""
        asking = self._asking.get(token)
        if asking is None:
            question = self._store.facts(
                token_hash(token), lambda name, facts, left: self._cache.put(token, name, facts, left)
            )
            asking = asyncio.ensure_future(question)
            self._asking[token] = asking
            asking.add_done_callback(lambda _: self._asking.pop(token, None))
        # Whoever leaves does not take the answer from the others.
        return await asyncio.shield(asking)
