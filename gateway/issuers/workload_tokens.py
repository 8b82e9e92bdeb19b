"""Authenticates clients by tokens of their platform (RFC 7523 section 2.2, subjects of the platform's)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

from gateway.clock import Clock
from gateway.issuers.jwt_issuer import JwtIssuer
from gateway.issuers.rules import InvalidToken
from gateway.issuers.workloads import Workload, Workloads
from gateway.jose.compact import Jwt, read_jwt
from gateway.oauth.model import Client

log = logging.getLogger("gatepost")


class UsedTokens(Protocol):
    """Remembers, for all workers and gateways together, what may be used only once."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use; all others within so many seconds are told False."""


class WorkloadTokens:
    """Finds the client that a token of a trusted issuer stands for."""

    def __init__(
        self, issuers: Iterable[JwtIssuer], workloads: Workloads, used: UsedTokens, clock: Clock
    ) -> None:
        self._issuers = list(issuers)
        self._workloads = workloads
        self._used = used
        self._clock = clock

    async def client_of(self, token: str, named: Client | None = None) -> Client | str:
        """The client, or the reason why there is none: for the log, never for the caller.

        `named` is the client that the request names. One of the store is found by that alone.

        Raises:
            IssuerUnavailable: the issuer's keys can't be had now.
            StoreUnavailable: whether the token was used before can't be known now.
        """
        jwt = read_jwt(token)
        issuer = None if jwt is None else next((one for one in self._issuers if one.takes(jwt)), None)
        if jwt is None or issuer is None:
            return "the token is of no issuer that a client trusts"
        try:
            workload = await self._workload(issuer, jwt, named)
        except InvalidToken as error:
            return f"a token of the issuer {issuer.rules.name} is refused: {error}"
        return workload.client

    async def _workload(self, issuer: JwtIssuer, jwt: Jwt, named: Client | None) -> Workload:
        workload = self._workloads.find(issuer.rules.name, jwt.claims, named)
        if workload is None:
            raise InvalidToken("trusted by no client")
        if not workload.client.enabled:
            raise InvalidToken("its client is disabled")
        if jwt.claims.get("cnf") is not None:
            raise InvalidToken("bound to a key that nobody has proven to hold")
        ends = await issuer.verify(jwt)
        # Last of all, so that nobody can use up a token that he can't make.
        if workload.trust.once and not await self._first(jwt, ends):
            raise InvalidToken("used before")
        return workload

    async def _first(self, jwt: Jwt, ends: int) -> bool:
        # By what is signed, not by the token: some signatures can be rewritten without the key.
        # Clocks of gateways may differ: one that is behind takes it for longer.
        seconds = max(1, int(ends - self._clock()) + 60)
        return await self._used.first("workload", sha256(jwt.signed).hexdigest(), seconds)
