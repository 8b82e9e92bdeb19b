"""An issuer whose JWTs are verified here, with its public keys."""

from __future__ import annotations

import logging
from typing import Protocol

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.remembered import Remembered
from gateway.issuers.rules import IssuerRules, Unbelievable, facts_of
from gateway.jose.compact import Jwt
from gateway.jose.key_set import KeySet
from gateway.oauth.values import TokenFacts
from gateway.tokens.jwt import Unknown

log = logging.getLogger("gatepost")


class Keys(Protocol):
    """An issuer's public keys."""

    @property
    def known(self) -> KeySet | None:
        """The keys; None where there are none."""

    @property
    def may_learn(self) -> bool:
        """Whether asking for more can be of use now."""

    async def learn(self) -> None:
        """Asks for more."""

    async def start(self) -> None:
        """Begins to keep them fresh."""

    async def stop(self) -> None:
        """Ends that."""


class VerifiedIssuer:
    """Judges tokens by what they say and who has signed them."""

    def __init__(self, rules: IssuerRules, keys: Keys, remembered: Remembered, clock: Clock) -> None:
        self.rules = rules
        self.remembered = remembered
        self._keys = keys
        self._clock = clock

    def takes(self, jwt: Jwt | None) -> bool:
        """Whether the token says that it is this issuer's."""
        return jwt is not None and jwt.issuer == self.rules.issuer

    def known(self, token: str, jwt: Jwt | None) -> TokenFacts | Unknown | None:
        """The facts of a token, or None, where the keys that are here tell."""
        found = self.remembered.facts(token)
        return found if found is not None or jwt is None else self._judged(token, jwt)

    async def facts(self, token: str, jwt: Jwt | None) -> TokenFacts | None:
        """The same, after the issuer was asked for its keys.

        Raises:
            IssuerUnavailable: it has not told them.
        """
        if self._keys.may_learn:
            await self._keys.learn()
        known = self.known(token, jwt)
        if not isinstance(known, Unknown):
            return known
        if self._keys.known is None:
            raise IssuerUnavailable(f"the keys of the issuer {self.rules.name} can't be had")
        return None

    async def start(self) -> None:
        """Begins to keep the keys fresh."""
        await self._keys.start()

    async def stop(self) -> None:
        """Ends that."""
        await self._keys.stop()

    def _judged(self, token: str, jwt: Jwt) -> TokenFacts | Unknown | None:
        try:
            facts, algorithm = self._believed(jwt)
        except Unbelievable as error:
            log.debug("a token of the issuer %s is refused: %s", self.rules.name, error)
            return None
        keys = self._keys.known
        kid = jwt.named("kid")
        if keys is None or (kid is not None and kid not in keys):
            return Unknown.ISSUER if keys is None or self._keys.may_learn else None
        if not keys.verifies(jwt, algorithm):
            return None
        self.remembered.keep(token, facts, facts.expires)
        return facts

    def _believed(self, jwt: Jwt) -> tuple[TokenFacts, str]:
        """What the token says, all but its signature."""
        # RFC 8725 section 3.11, RFC 9068 section 4: the type must be one that is meant for access.
        if jwt.type not in self.rules.types:
            raise Unbelievable("another type")
        # RFC 8725 section 3.1: the algorithm is what is allowed here, whatever the token says.
        algorithm = jwt.named("alg")
        if algorithm is None or algorithm not in self.rules.algorithms:
            raise Unbelievable("another algorithm")
        if "kid" in jwt.header and jwt.named("kid") is None:
            raise Unbelievable("a kid that is no text")
        return facts_of(jwt.claims, self.rules, self._clock()), algorithm
