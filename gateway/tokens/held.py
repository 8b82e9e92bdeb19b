"""Finds and ends a token that a client shows, whatever kind of token it is."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.oauth.confirmation import token_type
from gateway.oauth.values import TokenFacts
from gateway.tokens.guard import Guard
from gateway.tokens.refresh import RefreshFamilies


@dataclass(frozen=True, slots=True)
class Held:
    """A live token."""

    facts: TokenFacts
    token_type: str | None = "Bearer"  # noqa: S105 (the type's name)
    """How an access token is used (RFC 6749 section 7.1); None: it is no access token."""


class HeldTokens:
    """All tokens that this gateway has issued. A token says itself what kind it is, so hints are not needed.

    Every method raises StoreUnavailable where the store has not answered.
    """

    def __init__(self, guard: Guard, refresh_tokens: RefreshFamilies, clock: Clock) -> None:
        self._guard = guard
        self._refresh_tokens = refresh_tokens
        self._clock = clock

    async def find(self, token: str) -> Held | None:
        """What is known of a live token; None for any other text."""
        if self._refresh_tokens.is_ours(token):
            facts = await self._refresh_tokens.known(token)
            return None if facts is None else Held(facts, None)
        facts = await self._guard.facts(token)
        if facts is None or self._clock() >= facts.expires:
            return None
        return Held(facts, token_type(facts.cnf))

    async def end(self, token: str) -> None:
        """Ends a token, and with a refresh token all that came of it.

        Returns only when the store has done it.
        """
        if self._refresh_tokens.is_ours(token):
            self._guard.forget(await self._refresh_tokens.end(token))
        else:
            await self._guard.revoke(token)
