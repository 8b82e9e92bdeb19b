"""Judges tokens: forged ones without the store, the others by what is known of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.accounts.clients import Clients
from gateway.jose.compact import Jwt, read_jwt
from gateway.oauth.opaque import OpaqueTokens, token_hash
from gateway.oauth.values import OWN, OWN_ONLY, TokenFacts
from gateway.store import TokenStore
from gateway.tokens.cache import TokenCache
from gateway.tokens.jwt import JwtTokens, Unknown

__all__ = ["Foreign", "Guard", "NoForeign", "Unknown"]


class Foreign(Protocol):
    """What is known of the tokens of other issuers."""

    def cached(self, token: str, accepted: frozenset[str]) -> TokenFacts | None:
        """The facts of a token that was found to be good, from one of the accepted issuers."""

    def known(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenFacts | Unknown | None:
        """The same, worked out where that takes no waiting."""

    async def facts(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenFacts | None:
        """The same, asked for. Raises IssuerUnavailable where it can't be known now."""


class NoForeign:
    """There are no other issuers."""

    def cached(self, token: str, accepted: frozenset[str]) -> None:
        """Nothing."""

    def known(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> None:
        """Nothing."""

    async def facts(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> None:
        """Nothing."""


class Guard:
    """Finds the facts of a token. Whether they suffice for a route is judged by `gateway.oauth.bearer`."""

    def __init__(
        self,
        store: TokenStore,
        cache: TokenCache,
        tokens: OpaqueTokens,
        jwts: JwtTokens,
        clients: Clients,
        foreign: Foreign | None = None,
    ) -> None:
        self._store = store
        self._cache = cache
        self._tokens = tokens
        self._jwts = jwts
        self._clients = clients
        self._foreign: Foreign = foreign or NoForeign()
        self._asking: dict[str, asyncio.Future[TokenFacts | None]] = {}

    def known(self, token: str, accepted: frozenset[str]) -> TokenFacts | Unknown | None:
        """What this worker knows of a token by itself; None where it is no good for a route.

        `accepted` are the issuers whose tokens the route takes. A token that is in a cache costs no more
        than looking it up there; only of others the tag or the signature is verified.
        """
        facts = self._cache.get(token)
        if facts is not None:
            return facts if OWN in accepted and self._clients.may_hold(facts) else None
        if accepted is not OWN_ONLY and (facts := self._foreign.cached(token, accepted)) is not None:
            return facts
        if self._tokens.is_ours(token):
            return Unknown.STORE if OWN in accepted else None
        jwt = read_jwt(token)
        if jwt is not None and jwt.issuer == self._jwts.issuer:
            return self._known_jwt(token, jwt) if OWN in accepted else None
        return self._foreign.known(token, jwt, accepted) if accepted is not OWN_ONLY else None

    async def facts(self, token: str, accepted: frozenset[str] = OWN_ONLY) -> TokenFacts | None:
        """What is known of a live token; None where it is forged, revoked, expired or its client gone.

        Raises:
            StoreUnavailable: it can't be known now, and so nobody is let in.
            IssuerUnavailable: the same, of a token of another issuer.
        """
        known = self.known(token, accepted)
        if not isinstance(known, Unknown):
            return known
        if known is Unknown.ISSUER:
            return await self._foreign.facts(token, read_jwt(token), accepted)
        if known is Unknown.KEYS and not await self._ours_after_all(token):
            return None
        # Whoever leaves does not take the answer from the others.
        return self._held(await asyncio.shield(self._asked(token)))

    def ask(self, token: str, then: Callable[[TokenFacts | BaseException | None], None]) -> None:
        """As `facts`, without a task, of a token of which `known` says that the store must be asked.

        `then` hears the facts, or why there are none.

        Raises:
            StoreUnavailable: it can't be known now, as is known at once.
        """

        def heard(asked: asyncio.Future[TokenFacts | None]) -> None:
            error = asked.exception()
            then(self._held(asked.result()) if error is None else error)

        self._asked(token).add_done_callback(heard)

    async def revoke(self, token: str) -> None:
        """Ends a token: it is dead here at once, and everywhere as soon as the store has said so.

        Raises:
            StoreUnavailable: it may still live.
        """
        name = token_hash(token)
        await self._store.revoke(name)
        self.forget([name])

    def forget(self, names: Iterable[str]) -> None:
        """Drops what is known of tokens that have ended, by their names in the store.

        The store says so here too; its word may come a moment after its answer.
        """
        for name in names:
            self._cache.forget(name)

    def _known_jwt(self, token: str, jwt: Jwt) -> Unknown | None:
        ours = self._jwts.is_ours(token, jwt)
        if isinstance(ours, Unknown):
            return ours
        return Unknown.STORE if ours else None

    async def _ours_after_all(self, token: str) -> bool:
        jwt = read_jwt(token)
        return jwt is not None and await self._jwts.is_ours_after_all(token, jwt)

    def _held(self, facts: TokenFacts | None) -> TokenFacts | None:
        """The facts, unless the client is gone."""
        return facts if facts is not None and self._clients.may_hold(facts) else None

    def _asked(self, token: str) -> asyncio.Future[TokenFacts | None]:
        """Asks the store, once for all who ask about the same token at the same time."""
        asking = self._asking.get(token)
        if asking is None or asking.done():
            asking = self._store.facts(
                token_hash(token), lambda name, facts, left: self._cache.put(token, name, facts, left)
            )
            self._asking[token] = asking
            asking.add_done_callback(lambda asked: self._answered(token, asked))
        return asking

    def _answered(self, token: str, asked: asyncio.Future[TokenFacts | None]) -> None:
        if self._asking.get(token) is asked:
            del self._asking[token]
