"""The providers of `portal.oidc` and `portal.github`, at which people sign in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from gateway.accounts.provider_users import ClaimMatch, ProviderRules, ProviderSignIn, SignInProvider
from gateway.accounts.users import Users
from gateway.assembly.brute_force import attempt_limiter
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.portal_github import GithubCondition, PortalGithub
from gateway.config.portal_oidc import ClaimCondition, PortalOidc
from gateway.issuers.aiohttp_client import AiohttpClient
from gateway.issuers.github_provider import GithubProvider
from gateway.issuers.oidc_provider import OidcProvider
from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.flow_cookie import FLOW_PURPOSE, FlowCookie
from gateway.portal.services import PortalInfo, ProviderInfo, ProviderServices
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store

PROVIDER_TIMEOUT = 5.0
"""Seconds for each request to a provider."""
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


def _provider(
    one: PortalOidc | PortalGithub, http: AiohttpClient, redirect_uri: str, clock: Clock
) -> SignInProvider:
    client = (one.client_id, one.client_secret.get_secret_value())
    if isinstance(one, PortalGithub):
        return GithubProvider(
            http,
            url=one.url,
            client=client,
            redirect_uri=redirect_uri,
            claims=provider_rules(one).claims,
            clock=clock,
        )
    return OidcProvider(
        http,
        issuer=one.issuer,
        client=client,
        redirect_uri=redirect_uri,
        scopes=one.scopes,
        clock=clock,
    )


def provider_rules(one: PortalOidc | PortalGithub) -> ProviderRules:
    """The rules in the configuration."""
    rules = (_rule(one.admins), _rule(one.allow), _rule(one.publishers), _rule(one.developers))
    if isinstance(one, PortalOidc):
        return ProviderRules(one.issuer, one.name_claim, *rules)
    lists = {"organizations": one.organizations, "email_domains": one.email_domains}
    needed = {name: ClaimMatch(name, frozenset(values)) for name, values in lists.items() if values}
    return ProviderRules(one.issuer, "login", *rules, key="portal.github", needed=needed)


def _rule(condition: ClaimCondition | GithubCondition | None) -> ClaimMatch | None:
    if condition is None:
        return None
    # Names at GitHub are the same in upper and lower case.
    lower = isinstance(condition, GithubCondition)
    values = (value.lower() if lower else value for value in condition.values)
    return ClaimMatch(condition.claim, frozenset(values))
