"""Validates tokens: forged ones without the store, others by the cache or the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Final, Protocol

from gateway.accounts.clients import Clients
from gateway.jose.compact import Jwt, read_jwt
from gateway.oauth.model import OWN, OWN_ONLY, TokenInfo
from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.store import TokenStore
from gateway.tokens.jwt_tokens import JwtTokens, LookupNeeded
from gateway.tokens.store_questions import StoreQuestion, StoreQuestions
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_names import token_name

__all__ = ["ForeignIssuers", "LookupNeeded", "NoForeignIssuers", "TokenValidator"]


class ForeignIssuers(Protocol):
    """Validates tokens of other issuers."""

    def cached(self, token: str, accepted: frozenset[str]) -> TokenInfo | None:
        """The cached facts of a valid token of one of the accepted issuers."""

    def resolve_now(
        self, token: str, jwt: Jwt | None, accepted: frozenset[str]
    ) -> TokenInfo | LookupNeeded | None:
        """The same, verified where no request is needed."""

    async def resolve(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenInfo | None:
        """The same, with requests. Raises IssuerUnavailable."""

    def why_refused(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> str:
        """Why none of the accepted issuers has a token hold; empty: it is of none of them."""


class NoForeignIssuers:
    """No other issuers are configured."""

    def cached(self, token: str, accepted: frozenset[str]) -> None:
        """Nothing."""

    def resolve_now(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> None:
        """Nothing."""

    async def resolve(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> None:
        """Nothing."""

    def why_refused(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> str:
        """No token is of one of them."""
        return ""


_STORE: Final = LookupNeeded.STORE
_ENDED: Final = "It was issued here, and has expired or been revoked, or its client is gone or disabled."
_OWN_NOT_ACCEPTED: Final = "It was issued here, and the route takes tokens of other issuers only."


class TokenValidator:
    """Finds the facts of a token. `gateway.oauth.bearer` decides whether they suffice for a route."""

    def __init__(
        self,
        store: TokenStore,
        cache: TokenCache,
        tokens: OpaqueTokens,
        jwts: JwtTokens,
        clients: Clients,
        foreign: ForeignIssuers | None = None,
    ) -> None:
        self._store = store
        self._cache = cache
        self._tokens = tokens
        self._jwts = jwts
        self._clients = clients
        self._foreign: ForeignIssuers = foreign or NoForeignIssuers()
        self._questions = StoreQuestions(store, cache, clients)

    def resolve_now(self, token: str, accepted: frozenset[str]) -> TokenInfo | LookupNeeded | None:
        """The facts of a token, where no I/O is needed; None where the token is not valid.

        `accepted` are the issuers whose tokens the route takes. A cached token costs one lookup;
        the tag or signature is verified of others only.
        """
        facts = self._cache.get(token)
        if facts is not None:
            return facts if OWN in accepted and self._clients.may_hold(facts) else None
        if accepted is not OWN_ONLY and (facts := self._foreign.cached(token, accepted)) is not None:
            return facts
        if self._tokens.has_valid_tag(token):
            return LookupNeeded.STORE if OWN in accepted else None
        # Without a dot it is no JWT: no call is made for the tokens that strangers make up.
        jwt = read_jwt(token) if "." in token else None
        if jwt is not None and jwt.issuer == self._jwts.issuer:
            return self._known_jwt(token, jwt) if OWN in accepted else None
        return self._foreign.resolve_now(token, jwt, accepted) if accepted is not OWN_ONLY else None

    def why_invalid(self, token: str, accepted: frozenset[str] = OWN_ONLY) -> str:
        """Why `find` gives None for a token, in words for the operator."""
        own = OWN in accepted
        if self._tokens.has_valid_tag(token):
            return _ENDED if own else _OWN_NOT_ACCEPTED
        jwt = read_jwt(token)
        if jwt is None or jwt.issuer != self._jwts.issuer:
            refused = self._foreign.why_refused(token, jwt, accepted)
            return f"{_why_foreign(jwt)}{refused and ' '}{refused}"
        if not own:
            return _OWN_NOT_ACCEPTED
        if self._jwts.has_valid_tag(token, jwt) is True:
            return _ENDED
        return "It is a JWT in this gateway's name that has expired, or was not signed with its keys."

    def find(
        self, token: str, accepted: frozenset[str] = OWN_ONLY
    ) -> TokenInfo | Awaitable[TokenInfo | None] | None:
        """The facts of a live token, or an awaitable of them.

        None: it is forged, revoked, expired, of an issuer that is not accepted, or its client is gone. The
        awaitable raises StoreUnavailable or IssuerUnavailable.
        """
        known = self.resolve_now(token, accepted)
        # Not `isinstance`, which takes longer where the class is an enumeration.
        if type(known) is not LookupNeeded:
            return known  # type: ignore[return-value]
        return (
            StoreQuestion(self._questions, token)
            if known is _STORE
            else self._look_up(known, token, accepted)
        )

    async def resolve(self, token: str, accepted: frozenset[str] = OWN_ONLY) -> TokenInfo | None:
        """The same, awaited.

        Raises:
            StoreUnavailable: the store can't be asked, so the request is refused.
            IssuerUnavailable: the same for another issuer.
        """
        found = self.find(token, accepted)
        return found if found is None or isinstance(found, TokenInfo) else await found

    async def resolve_own(self, token: str) -> tuple[TokenInfo, float] | None:
        """The facts of a live token of the gateway's own, and the seconds that the store gives it still.

        Raises StoreUnavailable.
        """
        if await self.resolve(token) is None:
            return None
        seconds: list[float] = []
        facts = await self._store.facts(
            token_name(self._store.names, token), lambda _, __, left: seconds.append(left)
        )
        return None if facts is None else (facts, seconds[0])

    async def _look_up(self, needed: LookupNeeded, token: str, accepted: frozenset[str]) -> TokenInfo | None:
        if needed is LookupNeeded.ISSUER:
            # Continues in a task: HTTP clients use `asyncio.timeout`, which needs one.
            await asyncio.sleep(0)
            return await self._foreign.resolve(token, read_jwt(token), accepted)
        if needed is LookupNeeded.KEYS and not await self._ours_after_all(token):
            return None
        return await StoreQuestion(self._questions, token)

    async def revoke(self, token: str) -> None:
        """Revokes a token: here at once, elsewhere with the invalidation.

        Raises:
            StoreUnavailable: it may still be valid.
        """
        name = token_name(self._store.names, token)
        await self._store.revoke(name)
        self.forget([name])

    def forget(self, names: Iterable[str]) -> None:
        """Drops revoked tokens from the cache, by their names in the store.

        The invalidation does so too, but may arrive after the reply.
        """
        for name in names:
            self._cache.forget(name)

    def _known_jwt(self, token: str, jwt: Jwt) -> LookupNeeded | None:
        ours = self._jwts.has_valid_tag(token, jwt)
        if isinstance(ours, LookupNeeded):
            return ours
        return LookupNeeded.STORE if ours else None

    async def _ours_after_all(self, token: str) -> bool:
        jwt = read_jwt(token)
        return jwt is not None and await self._jwts.verify_with_fresh_keys(token, jwt)


def _why_foreign(jwt: Jwt | None) -> str:
    if jwt is None:
        return "It was not issued here: it is not an opaque token of this gateway, and not a JWT."
    return f"It is a JWT whose issuer says to be {jwt.issuer}, and does not hold on this route."
