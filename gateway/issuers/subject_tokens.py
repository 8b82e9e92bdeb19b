"""Verifies the tokens that clients bring for exchange: the gateway's own, and those of trusted issuers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.directory import IssuerDirectory
from gateway.issuers.jwt_issuer import JwtIssuer
from gateway.issuers.rules import MAX_USER_LENGTH, InvalidToken, bound_to, scopes_of, texts_of
from gateway.issuers.workloads import Workload, Workloads
from gateway.jose.compact import Jwt, read_jwt
from gateway.oauth.errors import OAuthError
from gateway.oauth.exchange import ACTOR, SubjectToken, actor_of, read_actor
from gateway.oauth.model import OWN, Client
from gateway.tokens.token_validator import TokenValidator

log = logging.getLogger("gatepost")


class VerifiedTokens:
    """Finds out what a token is worth to whoever exchanges it."""

    def __init__(
        self,
        validator: TokenValidator,
        directory: IssuerDirectory,
        signing: Iterable[JwtIssuer],
        workloads: Workloads,
        clock: Clock,
        default_audiences: frozenset[str],
        assertion_audiences: Mapping[str, Sequence[str]],
    ) -> None:
        """`default_audiences`: what own tokens are for that were asked for no resource, and what tokens of
        other issuers must be for that name no audience of their own. `assertion_audiences` are URIs of the
        gateway by the names of `clients[].assertion_audience`.
        """
        self._validator = validator
        self._directory = directory
        self._signing = list(signing)
        self._workloads = workloads
        self._clock = clock
        self._default_audiences = default_audiences
        self._assertion_audiences = assertion_audiences

    def assertion_audiences(self, client: Client) -> frozenset[str]:
        """What an assertion of the client must be for (RFC 7523 section 3)."""
        return frozenset(uri for kind in client.assertion_audience for uri in self._assertion_audiences[kind])

    async def find(
        self,
        token: str,
        issuers: frozenset[str],
        *,
        types: frozenset[str] | None = None,
        audiences: frozenset[str] = frozenset(),
        client: Client | None = None,
    ) -> SubjectToken | None:
        """What is known of a good token of one of these issuers; None for any other text.

        `types` are what a JWT of another issuer may be, None: what the issuer's tokens are. `audiences` are
        what it must be for, empty: as the issuer's other tokens. `client` is who shows it.

        Raises:
            OAuthError: `temporarily_unavailable` where its issuer can't be asked.
            StoreUnavailable: the store can't be asked.
        """
        jwt = read_jwt(token)
        issuer = None if jwt is None else next((one for one in self._signing if one.takes(jwt)), None)
        try:
            if jwt is not None and issuer is not None:
                return await self._of_issuer(issuer, jwt, issuers, types, audiences, client)
            if types is None and (own := await self._own(token, issuers)) is not None:
                return own
            return None if types is not None else await self._asked(token, jwt, issuers)
        except InvalidToken as error:
            log.info("a token is not exchanged: %s", error)
            return None
        except IssuerUnavailable as error:
            text = "The token's issuer can't be asked."
            raise OAuthError("temporarily_unavailable", text, retry_after=error.retry_after) from error

    async def _own(self, token: str, issuers: frozenset[str]) -> SubjectToken | None:
        now = self._clock()
        found = await self._validator.resolve_own(token) if OWN in issuers else None
        if found is None:
            return None
        facts, seconds = found
        return SubjectToken(
            OWN,
            facts.client,
            facts.subject,
            # The store's TTL ends it, whatever the clocks of gateways say.
            now + seconds,
            facts.scopes,
            tuple(one for one in facts.audience if one not in self._default_audiences),
            facts.user,
            facts.user_id,
            facts.user_generation,
            facts.cnf,
            actor_of(facts.extra),
        )

    async def _of_issuer(
        self,
        issuer: JwtIssuer,
        jwt: Jwt,
        issuers: frozenset[str],
        types: frozenset[str] | None,
        audiences: frozenset[str],
        client: Client | None,
    ) -> SubjectToken:
        name = issuer.rules.name
        if name not in issuers:
            raise InvalidToken(f"the client may not exchange tokens of the issuer {name}")
        workload = self._workloads.find(name, jwt.claims, client) if types is None else None
        if workload is not None:
            return await self._of_workload(issuer, jwt, workload)
        wanted = audiences or issuer.rules.audiences or self._default_audiences
        if wanted.isdisjoint(texts_of(jwt.claims.get("aud"), "aud")):
            raise InvalidToken(f"the token of the issuer {name} is for somebody else")
        await issuer.verify(jwt, types)
        return _foreign(issuer, jwt)

    async def _of_workload(self, issuer: JwtIssuer, jwt: Jwt, workload: Workload) -> SubjectToken:
        if workload.trust.once or not workload.client.enabled:
            raise InvalidToken("the token is accepted once only, or its client is disabled")
        await issuer.verify(jwt)
        facts = self._workloads.facts(workload, jwt.claims, 0, self._clock())
        end = _end(jwt)
        return SubjectToken(issuer.rules.name, facts.client, facts.subject, end, facts.scopes, cnf=facts.cnf)

    async def _asked(self, token: str, jwt: Jwt | None, issuers: frozenset[str]) -> SubjectToken | None:
        """A token of an issuer that is asked about its tokens (RFC 7662)."""
        others = issuers - {OWN}
        facts = await self._directory.resolve(token, jwt, others) if others else None
        if facts is None:
            return None
        name = facts.user or facts.client
        return SubjectToken(
            facts.issuer, facts.client, name, facts.expires, facts.scopes, user=facts.user, cnf=facts.cnf
        )


def _foreign(issuer: JwtIssuer, jwt: Jwt) -> SubjectToken:
    """A verified JWT of another issuer. Its subject can't be taken for one of the gateway's."""
    rules, claims = issuer.rules, jwt.claims
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_USER_LENGTH:
        raise InvalidToken("no usable sub")
    if not subject.isprintable() or subject != subject.strip():
        raise InvalidToken("a sub that can't be shown")
    client, scope = claims.get(rules.client_claim), claims.get(rules.scope_claim)
    name = f"{rules.name}:{subject}"
    try:
        actor = read_actor(claims.get(ACTOR), rules.name)
    except ValueError as error:
        raise InvalidToken(str(error)) from None
    return SubjectToken(
        rules.name,
        f"{rules.name}:{client}" if isinstance(client, str) else name,
        name,
        _end(jwt),
        None if scope is None else scopes_of(scope),
        user=None if subject == client else name,
        cnf=bound_to(claims.get("cnf")),
        actor=actor,
        claims=claims,
    )


def _end(jwt: Jwt) -> float:
    """When the token ends by itself, without the tolerance that other clocks are given."""
    return float(jwt.claims["exp"])
