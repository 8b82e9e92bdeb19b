"""The providers of `portal.oidc`, at which people sign in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from gateway.accounts.provider_users import ClaimMatch, ProviderRules, ProviderSignIn
from gateway.accounts.users import Users
from gateway.assembly.brute_force import attempt_limiter
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.portal_oidc import ClaimCondition, PortalOidc
from gateway.issuers.aiohttp_client import AiohttpClient
from gateway.issuers.oidc_provider import OidcProvider
from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.flow_cookie import FLOW_PURPOSE, FlowCookie
from gateway.portal.services import PortalInfo, ProviderInfo, ProviderServices
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store

PROVIDER_TIMEOUT = 5.0
"""Seconds for each request to the provider; a sign-in makes three at most."""
CALLBACK = "/portal/sign-in/callback"


def provider_https(settings: Settings) -> dict[str, AiohttpClient]:
    """The connections to each provider, by its id. Raises StartError."""
    return {
        one.id or "": AiohttpClient(PROVIDER_TIMEOUT, one.ca) for one in settings.portal.providers.values()
    }


def provider_infos(settings: Settings) -> tuple[ProviderInfo, ...]:
    """What the portal's pages say of the providers."""
    return tuple(
        ProviderInfo(one.id or "", one.name, one.issuer) for one in settings.portal.providers.values()
    )


def provider_services(
    settings: Settings,
    info: PortalInfo,
    https: Mapping[str, AiohttpClient],
    users: Users,
    store: Store,
    keys: MasterKeys,
    clock: Clock,
) -> ProviderServices | None:
    """What the portal's pages need for signing in at providers; None: there are none."""
    sign_ins = {}
    for one, shown in zip(settings.portal.providers.values(), info.providers, strict=True):
        sign_ins[shown.id] = ProviderSignIn(
            _provider(one, https[shown.id], f"{info.public_url}{CALLBACK}{shown.suffix}", clock),
            provider_rules(one),
            users,
            store.once,
            attempt_limiter("portal", settings, store),
            store.changes,
            secrets.token_bytes,
            clock,
            shown.id,
        )
    cipher = TokenCipher(keys.derive(FLOW_PURPOSE), secrets.token_bytes)
    return ProviderServices(sign_ins, FlowCookie(cipher, secure=info.secure)) if sign_ins else None


def _provider(oidc: PortalOidc, http: AiohttpClient, redirect_uri: str, clock: Clock) -> OidcProvider:
    return OidcProvider(
        http,
        issuer=oidc.issuer,
        client=(oidc.client_id, oidc.client_secret.get_secret_value()),
        redirect_uri=redirect_uri,
        scopes=oidc.scopes,
        clock=clock,
    )


def provider_rules(oidc: PortalOidc) -> ProviderRules:
    """The rules in the configuration."""
    return ProviderRules(
        oidc.issuer,
        oidc.name_claim,
        _rule(oidc.admins),
        _rule(oidc.allow),
        _rule(oidc.publishers),
        _rule(oidc.developers),
    )


def _rule(condition: ClaimCondition | None) -> ClaimMatch | None:
    return None if condition is None else ClaimMatch(condition.claim, frozenset(condition.values))
