"""The other issuers of gateway.yaml, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.clock import Clock
from gateway.config.issuers import IssuerSettings
from gateway.issuers.asked import AskedIssuer, Endpoint
from gateway.issuers.directory import Directory, Issuer
from gateway.issuers.keys import FileKeys, RemoteKeys
from gateway.issuers.remembered import Remembered
from gateway.issuers.rules import IssuerRules
from gateway.issuers.verified import VerifiedIssuer
from gateway.web.fetch import HttpFetch


class Issuers:
    """All of them, with their connections."""

    def __init__(self, settings: Mapping[str, IssuerSettings], clock: Clock) -> None:
        """Raises StartError for a file that can't be used."""
        self._fetches: list[HttpFetch] = []
        self._clock = clock
        self.directory = Directory([self._issuer(name, one) for name, one in settings.items()])

    async def start(self) -> None:
        """Begins to fetch keys. Nobody waits for an issuer here."""
        await self.directory.start()

    async def stop(self) -> None:
        """Ends that, and closes the connections."""
        await self.directory.stop()
        for fetch in self._fetches:
            await fetch.stop()

    def _issuer(self, name: str, settings: IssuerSettings) -> Issuer:
        rules, remembered = issuer_rules(name, settings), Remembered(self._clock)
        if settings.jwks_file is not None:
            return VerifiedIssuer(rules, FileKeys(settings.jwks_file), remembered, self._clock)
        fetch = HttpFetch(settings.timeout, settings.ca)
        self._fetches.append(fetch)
        if settings.introspection is not None:
            asked = settings.introspection
            secret = asked.client_secret.get_secret_value()
            endpoint = Endpoint(asked.url, asked.client_id, secret, asked.cache)
            return AskedIssuer(rules, endpoint, fetch, remembered, self._clock)
        keys = RemoteKeys(
            fetch,
            issuer=settings.issuer,
            url=settings.jwks_url,
            refresh=settings.refresh,
            changed=remembered.forget,
        )
        return VerifiedIssuer(rules, keys, remembered, self._clock)


def issuer_rules(name: str, settings: IssuerSettings) -> IssuerRules:
    """What tokens of an issuer must say."""
    return IssuerRules(
        name=name,
        issuer=settings.issuer,
        audiences=frozenset(settings.audiences),
        algorithms=frozenset(settings.algorithms),
        types=frozenset(kind.lower().removeprefix("application/") for kind in settings.types),
        scope_claim=settings.claims.scope,
        client_claim=settings.claims.client,
        user_claim=settings.claims.user,
        leeway=settings.leeway,
    )
