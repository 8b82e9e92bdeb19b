"""The gateway's own JWT access tokens: created, and verified by their signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Protocol

from gateway.jose.compact import ACCESS_TOKEN, MAX_LENGTH, Jwt, encoded
from gateway.jose.signing_key import SigningKey
from gateway.oauth.errors import invalid_request
from gateway.oauth.model import TokenInfo
from gateway.oauth.opaque_tokens import Random
from gateway.runtime.caches import MIB, register
from gateway.tokens.access_token_claims import AccessTokenTemplate

JTI_BYTES = 18
Maker = Callable[[int, int], str]
"""Makes a token that is issued and expires then, in seconds since the epoch."""
_VERIFIED = register("verified signatures of JWTs", __name__, entries=10_000, total_bytes=3 * MIB)
MAX_CACHED_SIGNATURES = _VERIFIED.entries
"""Tokens whose signature is not verified again while the store is asked, or after their revocation."""


class LookupNeeded(Enum):
    """What must be asked before a token can be validated."""

    STORE = "the store, about the token"
    KEYS = "the store, about the signing keys and then about the token"
    ISSUER = "another issuer"


class SigningKeys(Protocol):
    """A worker's copy of the signing keys."""

    version: int

    async def signer(self) -> SigningKey:
        """The key to sign with now. Raises StoreUnavailable."""

    def ready(self) -> SigningKey | None:
        """The same, where it is known without a store command."""

    def find(self, kid: str) -> SigningKey | None:
        """The published key with this `kid`."""

    @property
    def current(self) -> bool:
        """Whether the keys are up to date: an unknown `kid` is of no key."""

    @property
    def published(self) -> list[dict[str, Any]]:
        """The public keys, as served at /jwks."""

    async def learn(self) -> None:
        """Reads the keys unless they are up to date. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class JwtFormat:
    """Creates JWTs with one key."""

    key: SigningKey
    issuer: str
    default_audience: str
    random: Random

    @property
    def format_id(self) -> str:
        """Tokens of another key are not reused."""
        return f"jwt {self.key.kid}"

    def audience(self, granted: tuple[str, ...]) -> tuple[str, ...]:
        """RFC 9068 section 3: without a requested resource the audience is the default one."""
        return granted or (self.default_audience,)

    def make(self, facts: TokenInfo) -> str:
        """A signed token. Raises OAuthError where it would be longer than the maximum that is accepted."""
        return self.maker(facts)(facts.issued, facts.expires)

    def maker(self, facts: TokenInfo) -> Maker:
        """Makes signed tokens with these facts, but for their times, as `make` does."""
        template = AccessTokenTemplate(facts, self.issuer, self.key)

        def make(issued: int, expires: int) -> str:
            token = template.token(issued, expires, encoded(self.random(JTI_BYTES)))
            if len(token) > MAX_LENGTH:
                # No request with it would be accepted.
                raise invalid_request("The token would be too large: ask for fewer scopes or resources.")
            return token

        return make


class JwtTokens:
    """Creates and verifies JWT access tokens."""

    def __init__(self, keys: SigningKeys, issuer: str, audience: str, random: Random) -> None:
        """`audience`: of tokens without a requested resource."""
        self.keys = keys
        self.issuer = issuer
        self._audience = audience
        self._random = random
        self._verified: dict[bytes, bool] = {}
        self._version = keys.version

    def known_form(self) -> JwtFormat | None:
        """The current format, where no store command is needed."""
        key = self.keys.ready()
        return None if key is None else self._form(key)

    async def form(self) -> JwtFormat:
        """The current format. Raises StoreUnavailable."""
        return self._form(await self.keys.signer())

    def _form(self, key: SigningKey) -> JwtFormat:
        return JwtFormat(key, self.issuer, self._audience, self._random)

    def has_valid_tag(self, token: str, jwt: Jwt) -> bool | LookupNeeded:
        """Whether this instance made the token. It may have been revoked, or its time may be over: the store
        knows. `exp` is for others: by this machine's clock it could be too early or too late.
        """
        if jwt.type != ACCESS_TOKEN or type(jwt.claims.get("exp")) is not int:
            return False
        kid = jwt.named("kid")
        key = self.keys.find(kid) if kid is not None else None
        if key is None:
            return False if kid is None or self.keys.current else LookupNeeded.KEYS
        return self._remembered(token, lambda: jwt.header.get("alg") == key.algorithm and _signed(jwt, key))

    async def verify_with_fresh_keys(self, token: str, jwt: Jwt) -> bool:
        """The same, after the keys were read. Raises StoreUnavailable."""
        await self.keys.learn()
        return self.has_valid_tag(token, jwt) is True

    def _remembered(self, token: str, check_access: Callable[[], bool]) -> bool:
        if self._version != self.keys.version:
            self._verified.clear()
            self._version = self.keys.version
        # By its hash: a forged token may be long.
        name = sha256(token.encode()).digest()
        known = self._verified.get(name)
        if known is None:
            if len(self._verified) >= MAX_CACHED_SIGNATURES:
                del self._verified[next(iter(self._verified))]
            known = self._verified[name] = check_access()
        return known


def _signed(jwt: Jwt, key: SigningKey) -> bool:
    return key.verify(jwt.signed, jwt.signature)
