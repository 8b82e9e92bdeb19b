"""All other issuers: whose a token may be, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.errors import IssuerUnavailable
from gateway.issuers.remembered import Remembered
from gateway.issuers.rules import IssuerRules
from gateway.jose.compact import Jwt
from gateway.oauth.values import TokenFacts
from gateway.tokens.jwt import Unknown


class Issuer(Protocol):
    """One other token server."""

    rules: IssuerRules
    remembered: Remembered

    def takes(self, jwt: Jwt | None) -> bool:
        """Whether a token may be its own; `jwt` is None for one that says nothing."""

    def known(self, token: str, jwt: Jwt | None) -> TokenFacts | Unknown | None:
        """The facts of a token of its own, where that takes no waiting."""

    async def facts(self, token: str, jwt: Jwt | None) -> TokenFacts | None:
        """The same, asked for. Raises IssuerUnavailable."""

    async def start(self) -> None:
        """Begins what goes on in the background."""

    async def stop(self) -> None:
        """Ends it."""


class Directory:
    """The issuers of gateway.yaml. A token is only shown to those that the route accepts."""

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._issuers = list(issuers)

    def cached(self, token: str, accepted: frozenset[str]) -> TokenFacts | None:
        """The facts of a token that was found to be good, from one of the accepted issuers."""
        for issuer in self._issuers:
            if issuer.rules.name in accepted and (facts := issuer.remembered.facts(token)) is not None:
                return facts
        return None

    def known(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenFacts | Unknown | None:
        """The same, worked out where that takes no waiting; None where none of them has issued it."""
        unknown = None
        for issuer in self._asked(jwt, accepted):
            known = issuer.known(token, jwt)
            if isinstance(known, Unknown):
                unknown = known
            elif known is not None:
                return known
        return unknown

    async def facts(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenFacts | None:
        """The same, asked for. Raises IssuerUnavailable where one can't say, and no other knows it."""
        silent: IssuerUnavailable | None = None
        for issuer in self._asked(jwt, accepted):
            known = issuer.known(token, jwt)
            try:
                facts = await issuer.facts(token, jwt) if isinstance(known, Unknown) else known
            except IssuerUnavailable as error:
                silent = error
                continue
            if facts is not None:
                return facts
        if silent is not None:
            raise silent
        return None

    async def start(self) -> None:
        """Begins what goes on in the background."""
        for issuer in self._issuers:
            await issuer.start()

    async def stop(self) -> None:
        """Ends it."""
        for issuer in self._issuers:
            await issuer.stop()

    def _asked(self, jwt: Jwt | None, accepted: frozenset[str]) -> list[Issuer]:
        return [issuer for issuer in self._issuers if issuer.rules.name in accepted and issuer.takes(jwt)]
