"""An issuer whose JWTs are verified with its public keys."""

from __future__ import annotations

import logging
from typing import Protocol

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import InvalidToken, IssuerRules, checked_times, facts_of, is_issued_by
from gateway.issuers.workloads import Workloads, may_be_shown_on_routes
from gateway.jose.compact import Jwt
from gateway.jose.key_set import KeySet
from gateway.oauth.model import TokenInfo
from gateway.tokens.jwt_tokens import LookupNeeded

log = logging.getLogger("gatepost")


class VerificationKeys(Protocol):
    """An issuer's public keys."""

    @property
    def current(self) -> KeySet | None:
        """The keys; None where there are none."""

    @property
    def may_learn(self) -> bool:
        """Whether a fetch may be made now."""

    async def learn(self) -> None:
        """Fetches the keys."""

    async def start(self) -> None:
        """Starts the background refresh."""

    async def stop(self) -> None:
        """Stops it."""


class JwtIssuer:
    """Validates tokens by their claims and signature."""

    def __init__(
        self,
        rules: IssuerRules,
        keys: VerificationKeys,
        results: ResultCache,
        clock: Clock,
        workloads: Workloads | None = None,
    ) -> None:
        """`workloads`: the clients that trust tokens of this issuer; None: there are none."""
        self.rules = rules
        self.results = results
        self._keys = keys
        self._clock = clock
        self._workloads = workloads or Workloads()

    def takes(self, jwt: Jwt | None) -> bool:
        """Whether the token's `iss` is this issuer."""
        return jwt is not None and is_issued_by(jwt.claims, self.rules.issuer)

    def resolve_now(self, token: str, jwt: Jwt | None) -> TokenInfo | LookupNeeded | None:
        """The facts of a token, or None, where the known keys suffice."""
        found = self.results.get(token)
        return found if found is not None or jwt is None else self._judged(token, jwt)

    async def resolve(self, token: str, jwt: Jwt | None) -> TokenInfo | None:
        """The same, after the keys were fetched.

        Raises:
            IssuerUnavailable: there are no keys.
        """
        if self._keys.may_learn:
            await self._keys.learn()
        known = self.resolve_now(token, jwt)
        if not isinstance(known, LookupNeeded):
            return known
        if self._keys.current is None:
            raise IssuerUnavailable(f"the keys of the issuer {self.rules.name} can't be had")
        return None

    def why_refused(self, token: str, jwt: Jwt | None) -> str:
        """Why one of its tokens does not hold. That claims and keys are as before is not certain."""
        if jwt is None:
            return "it is no JWT"
        try:
            self._claimed(jwt)
        except InvalidToken as error:
            return str(error)
        keys, kid = self._keys.current, jwt.named("kid")
        if keys is not None and kid is not None and kid not in keys:
            return "its kid is of no key of the issuer"
        return "it is not signed by a key of the issuer"

    async def verify(self, jwt: Jwt, types: frozenset[str] | None = None) -> int:
        """The expiry of a token that this issuer has signed. Audience and client are not checked.

        `types` are what it may be; None: what tokens of workloads are.

        Raises:
            InvalidToken: it is not this issuer's, not now, or of another type.
            IssuerUnavailable: its keys can't be had.
        """
        ends = self._verified_claims(jwt, types or self.rules.workload_types)
        if self._signature(jwt) is None and self._keys.may_learn:
            await self._keys.learn()
        signed = self._signature(jwt)
        if signed is None and self._keys.current is None:
            raise IssuerUnavailable(f"the keys of the issuer {self.rules.name} can't be had")
        if not signed:
            raise InvalidToken("not signed by a key of its issuer")
        return ends

    async def start(self) -> None:
        """Starts the background refresh of the keys."""
        await self._keys.start()

    async def stop(self) -> None:
        """Stops it."""
        await self._keys.stop()

    def _judged(self, token: str, jwt: Jwt) -> TokenInfo | LookupNeeded | None:
        try:
            facts = self._claimed(jwt)
        except InvalidToken as error:
            log.debug("a token of the issuer %s is refused: %s", self.rules.name, error)
            return None
        signed = self._signature(jwt)
        if signed is None:
            return LookupNeeded.ISSUER if self._keys.current is None or self._keys.may_learn else None
        if not signed:
            return None
        self.results.put(token, facts, facts.expires)
        return facts

    def _claimed(self, jwt: Jwt) -> TokenInfo:
        """The facts in the claims, without checking the signature."""
        facts = self._workload_facts(jwt)
        if facts is not None:
            return facts
        self._check_header(jwt, self.rules.types)
        return facts_of(jwt.claims, self.rules, self._clock())

    def _workload_facts(self, jwt: Jwt) -> TokenInfo | None:
        """The facts of a token that a client trusts; None where none does."""
        name = self.rules.name
        workload = self._workloads.find(name, jwt.claims) if self._workloads.trusted(name) else None
        if workload is None or not may_be_shown_on_routes(workload):
            return None
        ends = self._verified_claims(jwt, self.rules.workload_types)
        return self._workloads.facts(workload, jwt.claims, ends, self._clock())

    def _verified_claims(self, jwt: Jwt, types: frozenset[str]) -> int:
        self._check_header(jwt, types)
        return checked_times(jwt.claims, self.rules, self._clock())

    def _check_header(self, jwt: Jwt, types: frozenset[str]) -> None:
        # RFC 8725 section 3.11, RFC 9068 section 4: the type must be one that is meant for access.
        if jwt.type not in types:
            raise InvalidToken("it is of another type: typ is not one of the issuer's types")
        # RFC 8725 section 3.1: only configured algorithms are allowed.
        if jwt.named("alg") not in self.rules.algorithms:
            raise InvalidToken("it has another algorithm: alg is not one of the issuer's algorithms")
        if "kid" in jwt.header and jwt.named("kid") is None:
            raise InvalidToken("kid is no text")

    def _signature(self, jwt: Jwt) -> bool | None:
        """Whether the signature is valid; None where its key is not known."""
        keys, kid = self._keys.current, jwt.named("kid")
        if keys is None or (kid is not None and kid not in keys):
            return None
        return keys.verifies(jwt, str(jwt.named("alg")))
