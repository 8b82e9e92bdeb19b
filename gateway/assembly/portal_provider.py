"""The OpenID provider of `portal.oidc`."""

from __future__ import annotations

import secrets

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
from gateway.portal.services import PortalInfo, ProviderServices
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store

PROVIDER_TIMEOUT = 5.0
"""Seconds for each request to the provider; a sign-in makes three at most."""
CALLBACK = "/portal/sign-in/callback"


def provider_http(settings: Settings) -> AiohttpClient | None:
    """The connections to the provider; None: there is none. Raises StartError."""
    oidc = settings.portal.oidc
    return None if oidc is None else AiohttpClient(PROVIDER_TIMEOUT, oidc.ca)


def provider_services(
    settings: Settings,
    info: PortalInfo,
    http: AiohttpClient,
    users: Users,
    store: Store,
    keys: MasterKeys,
    clock: Clock,
) -> ProviderServices | None:
    """What the portal's pages need for signing in there."""
    oidc = settings.portal.oidc
    if oidc is None:
        return None
    provider = OidcProvider(
        http,
        issuer=oidc.issuer,
        client=(oidc.client_id, oidc.client_secret.get_secret_value()),
        redirect_uri=f"{info.public_url}{CALLBACK}",
        scopes=oidc.scopes,
        clock=clock,
    )
    sign_in = ProviderSignIn(
        provider,
        provider_rules(oidc),
        users,
        store.once,
        attempt_limiter("portal", settings, store),
        store.changes,
        secrets.token_bytes,
        clock,
    )
    cipher = TokenCipher(keys.derive(FLOW_PURPOSE), secrets.token_bytes)
    return ProviderServices(sign_in, FlowCookie(cipher, secure=info.secure))


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
