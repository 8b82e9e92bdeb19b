"""The gateway's own JWT access tokens: made, and told from forged ones by their signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

from gateway.clock import Clock
from gateway.jose.access_token import access_token
from gateway.jose.compact import ACCESS_TOKEN, LONGEST, Jwt, encoded
from gateway.jose.signing_key import SigningKey
from gateway.oauth.errors import invalid_request
from gateway.oauth.opaque import Random
from gateway.oauth.values import TokenFacts

JTI_BYTES = 18
REMEMBERED = 10_000
"""Tokens whose signature is not verified again while they wait for the store, or come although revoked."""


class Unknown(Enum):
    """The answer of who would have to ask before a token can be judged, and whom."""

    STORE = "the store, about the token"
    KEYS = "the store, about the signing keys and then about the token"
    ISSUER = "another issuer"


class Keys(Protocol):
    """The signing keys as a worker knows them."""

    version: int

    async def signer(self) -> SigningKey:
        """The key to sign with now. Raises StoreUnavailable."""

    def ready(self) -> SigningKey | None:
        """The same, where it is known without asking the store."""

    def find(self, kid: str) -> SigningKey | None:
        """The published key of that name."""

    @property
    def current(self) -> bool:
        """Whether there is no other key than those it knows."""

    @property
    def published(self) -> list[dict[str, Any]]:
        """The public halves, as /jwks shows them."""

    async def learn(self) -> None:
        """Makes sure that no change is missed. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class JwtForm:
    """How one token becomes a JWT."""

    key: SigningKey
    issuer: str
    audience: str
    random: Random

    @property
    def mark(self) -> str:
        """Tokens of another key are not given out again in its place."""
        return f"jwt {self.key.kid}"

    def completed(self, facts: TokenFacts) -> TokenFacts:
        """RFC 9068 section 3: a token that was asked for no resource is for the default one."""
        return facts if facts.audience else replace(facts, audience=(self.audience,))

    def make(self, facts: TokenFacts) -> str:
        """The signed token. Raises OAuthError where it would be larger than any that is looked at."""
        token = access_token(facts, self.issuer, encoded(self.random(JTI_BYTES)), self.key)
        if len(token) > LONGEST:
            # Nobody would take it.
            raise invalid_request("The token would be too large: ask for fewer scopes or resources.")
        return token


class JwtTokens:
    """Makes JWT access tokens, and recognises them."""

    def __init__(self, keys: Keys, issuer: str, audience: str, clock: Clock, random: Random) -> None:
        """`audience` is what a token is for that was asked for no resource."""
        self.keys = keys
        self.issuer = issuer
        self._audience = audience
        self._clock = clock
        self._random = random
        self._verified: dict[str, bool] = {}
        self._version = keys.version

    def known_form(self) -> JwtForm | None:
        """How to make a token now, where that takes no waiting."""
        key = self.keys.ready()
        return None if key is None else self._form(key)

    async def form(self) -> JwtForm:
        """How to make a token now. Raises StoreUnavailable."""
        return self._form(await self.keys.signer())

    def _form(self, key: SigningKey) -> JwtForm:
        return JwtForm(key, self.issuer, self._audience, self._random)

    def is_ours(self, token: str, jwt: Jwt) -> bool | Unknown:
        """Whether this instance made the token, and its time is not over; it may be revoked all the same."""
        expires = jwt.claims.get("exp")
        if jwt.type != ACCESS_TOKEN or type(expires) is not int or self._clock() >= expires:
            return False
        kid = jwt.named("kid")
        key = self.keys.find(kid) if kid is not None else None
        if key is None:
            return False if kid is None or self.keys.current else Unknown.KEYS
        return self._remembered(token, lambda: jwt.header.get("alg") == key.algorithm and _signed(jwt, key))

    async def is_ours_after_all(self, token: str, jwt: Jwt) -> bool:
        """The same where the keys have to be asked for first. Raises StoreUnavailable."""
        await self.keys.learn()
        return self.is_ours(token, jwt) is True

    def _remembered(self, token: str, judge: Callable[[], bool]) -> bool:
        if self._version != self.keys.version:
            self._verified.clear()
            self._version = self.keys.version
        known = self._verified.get(token)
        if known is None:
            if len(self._verified) >= REMEMBERED:
                del self._verified[next(iter(self._verified))]
            known = self._verified[token] = judge()
        return known


def _signed(jwt: Jwt, key: SigningKey) -> bool:
    return key.verify(jwt.signed, jwt.signature)
