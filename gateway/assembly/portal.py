"""The developer portal as the composition root builds it. Imported only where it is switched on."""

from __future__ import annotations

import secrets

from aiohttp import web

from gateway.accounts.applications import Applications
from gateway.accounts.clients import Clients
from gateway.accounts.passwords import Passwords
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.usage import Tally
from gateway.accounts.usage_reports import UsageReports
from gateway.accounts.users import UserAuthentication, Users
from gateway.assembly.tokens import master_of
from gateway.assembly.users import file_users
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.opaque import derived_key
from gateway.portal.api.site import MOUNT as API
from gateway.portal.api.site import api_app
from gateway.portal.desk import Api, PortalDesk, PortalFacts
from gateway.portal.protection import FormProof
from gateway.portal.site import MOUNT as PAGES
from gateway.portal.site import portal_app
from gateway.steps.own_tokens import OwnTokens
from gateway.steps.token import TokenDesk
from gateway.store import Store
from gateway.tokens.guard import Guard
from gateway.tokens.held import HeldTokens


def portal(
    settings: Settings,
    store: Store,
    clients: Clients,
    guard: Guard,
    tokens: TokenDesk,
    held: HeldTokens,
    tally: Tally,
    clock: Clock,
) -> dict[str, web.Application]:
    """The portal's applications, by where they are mounted. Its keys come from the instance's master key."""
    facts, master = portal_facts(settings), master_of(settings)
    users = Users(file_users(settings.portal.users), store.users, Passwords(), clock)
    registry = ClientRegistry(store.clients, store.tokens, clock, secrets.token_bytes)
    desk = PortalDesk(
        facts=facts,
        users=users,
        authentication=UserAuthentication(users, store.attempts, GuessingRules()),
        applications=Applications(store.applications, store.clients, registry, clock),
        registry=registry,
        tokens=OwnTokens(tokens, held, clock, tally),
        reports=UsageReports(store.usage, store.registered_users, clock),
        clients=clients,
        find_token=guard.facts,
        proof=FormProof(derived_key(master, "portal forms"), secure=facts.secure),
        stamp_key=derived_key(master, "portal sessions"),
        body_timeout=settings.server.timeouts.body,
        clock=clock,
    )
    return {API: api_app(desk), PAGES: portal_app(desk, store.sessions)}


def portal_facts(settings: Settings) -> PortalFacts:
    """What of the configuration the portal shows."""
    apis = tuple(
        Api(
            path=route.path,
            exact=route.match == "exact",
            methods=tuple(route.methods or ()),
            host=route.host,
            scopes=tuple(route.scopes),
            audience=route.audience,
            protected=route.auth == "bearer",
        )
        for route in settings.routes
        if route.enabled
    )
    asked = dict.fromkeys(scope for api in apis for scope in api.scopes)
    given = settings.portal.scopes
    return PortalFacts(
        public_url=settings.server.public_url,
        self_signed=any(listener.tls == "auto" for listener in settings.server.listen),
        sign_up=settings.portal.sign_up,
        grants=tuple(name for name, grant in settings.grants.items() if grant.enabled),
        scopes=tuple(asked) if given is None else tuple(given),
        default_scopes=tuple(settings.scopes.default),
        application_scope=settings.scopes.application,
        lifetime=settings.tokens.lifetime,
        max_lifetime=settings.tokens.max_lifetime,
        apis=apis,
        tiers=tuple(settings.tiers),
        developer_tiers=tuple(settings.portal.tiers),
    )
