"""What the token endpoint needs, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.assembly.clients import client_authentication
from gateway.assembly.grants import scope_rules
from gateway.assembly.identities import Identities
from gateway.assembly.metadata import route_resources
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth_flows.token import TokenServices
from gateway.plugin import GrantPlugin
from gateway.store import Store
from gateway.tokens.token_issuer import ReusableTokenCache, ReuseRules, TokenIssuer

Grants = Mapping[str, GrantPlugin]
"""The enabled grants, by `grant_type`."""


def token_services(
    settings: Settings,
    store: Store,
    identities: Identities,
    grants: Grants,
    reusable_tokens: ReusableTokenCache,
    clock: Clock,
) -> TokenServices:
    """What the steps of `/token` need."""
    rules, parts = settings.tokens, identities.tokens
    return TokenServices(
        clients=client_authentication(
            settings, store, identities.clients, identities.issuers, identities.passwords, clock
        ),
        grants=grants,
        scope_rules=scope_rules(settings.scopes),
        lifetime_rules=LifetimeRules(rules.lifetime, rules.max_lifetime),
        issuer=TokenIssuer(
            store.tokens,
            parts.formats,
            parts.seal,
            ReuseRules(rules.reuse, rules.renew_before),
            store.clock,
            reusable_tokens,
        ),
        clock=clock,
        binding=identities.sender_constraint,
        resources=route_resources(settings),
        paths=settings.paths,
    )
