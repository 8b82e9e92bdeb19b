"""All trusted issuers: finds the one that has issued a token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.errors import IssuerUnavailable
from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import IssuerRules
from gateway.jose.compact import Jwt
from gateway.oauth.model import TokenInfo
from gateway.tokens.jwt_tokens import LookupNeeded


class TrustedIssuer(Protocol):
    """One other authorization server."""

    rules: IssuerRules
    results: ResultCache

    def takes(self, jwt: Jwt | None) -> bool:
        """Whether it may have issued a token; `jwt` is None for an opaque one."""

    def resolve_now(self, token: str, jwt: Jwt | None) -> TokenInfo | LookupNeeded | None:
        """The facts of one of its tokens, where no request is needed."""

    async def resolve(self, token: str, jwt: Jwt | None) -> TokenInfo | None:
        """The same, with a request to the issuer. Raises IssuerUnavailable."""

    def why_refused(self, token: str, jwt: Jwt | None) -> str:
        """Why one of its tokens does not hold, for the operator."""

    async def start(self) -> None:
        """Starts background tasks."""

    async def stop(self) -> None:
        """Stops them."""


class IssuerDirectory:
    """The issuers of gateway.yaml. A token is only sent to those that the route accepts."""

    def __init__(self, issuers: Iterable[TrustedIssuer]) -> None:
        self._issuers = list(issuers)

    def cached(self, token: str, accepted: frozenset[str]) -> TokenInfo | None:
        """The cached facts of a valid token of one of the accepted issuers."""
        for issuer in self._issuers:
            if issuer.rules.name in accepted and (facts := issuer.results.get(token)) is not None:
                return facts
        return None

    def resolve_now(
        self, token: str, jwt: Jwt | None, accepted: frozenset[str]
    ) -> TokenInfo | LookupNeeded | None:
        """The same, verified where no request is needed; None where none of them has issued it."""
        unknown = None
        for issuer in self._asked(jwt, accepted):
            known = issuer.resolve_now(token, jwt)
            if isinstance(known, LookupNeeded):
                unknown = known
            elif known is not None:
                return known
        return unknown

    async def resolve(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenInfo | None:
        """The same, with requests. Raises IssuerUnavailable where one fails and no other knows it."""
        unavailable: IssuerUnavailable | None = None
        for issuer in self._asked(jwt, accepted):
            known = issuer.resolve_now(token, jwt)
            try:
                facts = await issuer.resolve(token, jwt) if isinstance(known, LookupNeeded) else known
            except IssuerUnavailable as error:
                unavailable = error
                continue
            if facts is not None:
                return facts
        try:
            if unavailable is not None:
                raise unavailable
        finally:
            # Its traceback refers to this frame: together they would stay until the garbage collector runs.
            unavailable = None
        return None

    def why_refused(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> str:
        """Why none of the accepted issuers has a token hold; empty: it is of none of them."""
        return " ".join(
            f"Refused as one of the issuer {issuer.rules.name}: {issuer.why_refused(token, jwt)}."
            for issuer in self._asked(jwt, accepted)
        )

    async def start(self) -> None:
        """Starts background tasks."""
        for issuer in self._issuers:
            await issuer.start()

    async def stop(self) -> None:
        """Stops them."""
        for issuer in self._issuers:
            await issuer.stop()

    def _asked(self, jwt: Jwt | None, accepted: frozenset[str]) -> list[TrustedIssuer]:
        return [issuer for issuer in self._issuers if issuer.rules.name in accepted and issuer.takes(jwt)]
