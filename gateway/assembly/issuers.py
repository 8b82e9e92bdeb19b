"""Trusted external token issuers of `issuers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.assembly.grants import scope_rules
from gateway.clock import Clock
from gateway.config.issuers import IssuerSettings
from gateway.config.model import Settings
from gateway.issuers.aiohttp_client import AiohttpClient
from gateway.issuers.client_key_sets import ClientKeySets
from gateway.issuers.directory import IssuerDirectory, TrustedIssuer
from gateway.issuers.introspection_issuer import Endpoint, IntrospectionIssuer
from gateway.issuers.issuer_keys import KeySetFile, RemoteKeys
from gateway.issuers.jwt_issuer import JwtIssuer
from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import IssuerRules
from gateway.issuers.subject_tokens import VerifiedTokens
from gateway.issuers.workload_tokens import UsedTokens, WorkloadTokens
from gateway.issuers.workloads import Workloads
from gateway.oauth.model import Client
from gateway.tokens.token_validator import TokenValidator

CLIENT_KEYS_TIMEOUT = 3.0
"""Seconds for fetching the keys of a client."""
MOST_CLIENT_KEYS = 64 * 1024
"""Bytes of a client's key set."""


class Issuers:
    """All configured issuers and their HTTP clients."""

    def __init__(
        self,
        settings: Mapping[str, IssuerSettings],
        clock: Clock,
        used: UsedTokens,
        workloads: Workloads | None = None,
        *,
        inner_jwks_uris: bool = False,
    ) -> None:
        """`workloads` are the clients that trust tokens of issuers. `inner_jwks_uris`: whether those that
        clients register may lead to inner addresses. Raises StartError if a key file can't be used.
        """
        self._http_clients: list[AiohttpClient] = []
        self._clock = clock
        self.workloads = workloads or Workloads()
        issuers = [self._issuer(name, one) for name, one in settings.items()]
        self.directory = IssuerDirectory(issuers)
        self.signing = [issuer for issuer in issuers if isinstance(issuer, JwtIssuer)]
        """Those whose tokens are verified here."""
        self.client_keys = ClientKeySets(
            self._http_client(CLIENT_KEYS_TIMEOUT),
            self._http_client(CLIENT_KEYS_TIMEOUT, public_only=not inner_jwks_uris),
        )
        """The keys of clients that have a `jwks_uri`."""
        self.workload_tokens = WorkloadTokens(self.signing, self.workloads, used, clock)

    async def start(self) -> None:
        """Starts fetching keys in the background; an unreachable issuer does not delay the start."""
        await self.directory.start()

    async def stop(self) -> None:
        """Stops fetching and closes the connections."""
        await self.directory.stop()
        for http_client in self._http_clients:
            await http_client.stop()

    def _http_client(self, timeout: float, *, public_only: bool = False) -> AiohttpClient:
        client = AiohttpClient(timeout, most_bytes=MOST_CLIENT_KEYS, public_only=public_only)
        self._http_clients.append(client)
        return client

    def _issuer(self, name: str, settings: IssuerSettings) -> TrustedIssuer:
        rules, cache = issuer_rules(name, settings), ResultCache(self._clock)
        if settings.jwks_file is not None:
            return JwtIssuer(rules, KeySetFile(settings.jwks_file), cache, self._clock, self.workloads)
        http_client = AiohttpClient(settings.timeout, settings.ca)
        self._http_clients.append(http_client)
        if settings.introspection is not None:
            introspection = settings.introspection
            secret = introspection.client_secret.get_secret_value()
            endpoint = Endpoint(introspection.url, introspection.client_id, secret, introspection.cache)
            return IntrospectionIssuer(rules, endpoint, http_client, cache, self._clock)
        keys = RemoteKeys(
            http_client,
            issuer=settings.issuer,
            url=settings.jwks_url,
            refresh=settings.refresh,
            changed=cache.forget,
        )
        return JwtIssuer(rules, keys, cache, self._clock, self.workloads)


def make_issuers(settings: Settings, clients: Iterable[Client], used: UsedTokens, clock: Clock) -> Issuers:
    """The configured issuers. `clients` are those of the file. Raises StartError."""
    workloads = Workloads(clients, scope_rules(settings.scopes))
    inner = settings.registration.inner_jwks_uris
    return Issuers(settings.issuers, clock, used, workloads, inner_jwks_uris=inner)


def verified_tokens(
    settings: Settings, issuers: Issuers, validator: TokenValidator, clock: Clock
) -> VerifiedTokens:
    """Verifies the tokens that clients bring for exchange."""
    public_url = settings.server.public_url
    return VerifiedTokens(
        validator,
        issuers.directory,
        issuers.signing,
        issuers.workloads,
        clock,
        frozenset({public_url, settings.tokens.audience or public_url}),
        {"issuer": [public_url], "token_endpoint": settings.paths.token_uris},
    )


def issuer_rules(name: str, settings: IssuerSettings) -> IssuerRules:
    """The validation rules for tokens of an issuer."""
    return IssuerRules(
        name=name,
        issuer=settings.issuer,
        audiences=frozenset(settings.audiences),
        algorithms=frozenset(settings.algorithms),
        types=_types(settings.types),
        scope_claim=settings.claims.scope,
        client_claim=settings.claims.client,
        user_claim=settings.claims.user,
        leeway=settings.leeway,
        # What platforms issue are no access tokens. Who names types, means these.
        workload_types=_types(
            settings.types if "types" in settings.model_fields_set else (*settings.types, "jwt")
        ),
        trusted_only=settings.preset is not None,
    )


def _types(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower().removeprefix("application/") for name in names)
