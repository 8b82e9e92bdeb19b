"""The composition root: configuration in, running application out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

from aiohttp import web

from gateway.accounts.clients import ClientAuthentication, Clients
from gateway.accounts.usage import Tally, UsageKeeper
from gateway.assembly.clients import file_clients
from gateway.assembly.grants import grant_users, refresh_families, scope_rules
from gateway.assembly.issuers import Issuers
from gateway.assembly.metadata import about_the_resources, about_the_server
from gateway.assembly.overseers import overseer, patience
from gateway.assembly.plugins import PluginShelf, plugin_context
from gateway.assembly.routes import route_table
from gateway.assembly.tokens import signs_tokens, token_parts
from gateway.assembly.upstream_gauges import upstream_gauges
from gateway.assembly.upstreams import make_upstreams, start_upstreams
from gateway.clock import Clock, system_clock
from gateway.config.model import Settings
from gateway.endpoints import TOKEN
from gateway.errors import StoreUnavailable
from gateway.file_clients import FileClients
from gateway.limits import Limits
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.values import Client
from gateway.plugin import PluginContext
from gateway.plugin_catalog import Catalog
from gateway.process.management import management_app
from gateway.proxy.forwarded import trust
from gateway.proxy.opening import openings
from gateway.steps.introspection import IntrospectionDesk
from gateway.steps.revocation import RevocationDesk
from gateway.steps.token import TokenDesk
from gateway.store import Store
from gateway.telemetry import Telemetry
from gateway.tokens.binding import Binding
from gateway.tokens.cache import TokenCache
from gateway.tokens.guard import Guard
from gateway.tokens.held import HeldTokens
from gateway.tokens.issuer import Issuer, LiveTokens, ReuseRules
from gateway.upstream.resolve import Lookup, look_up
from gateway.web.application import application
from gateway.web.arrival import Arrival, new_request_id
from gateway.web.desk import ProxyDesk
from gateway.web.house import Terms
from gateway.web.jwks import JwksEndpoint
from gateway.web.lane import Lane
from gateway.web.lane_token import TokenLane
from gateway.web.late import LateSite
from gateway.web.ledger import Ledger, Note
from gateway.web.metadata import MetadataEndpoints
from gateway.web.server import GatewayRunner
from gateway.web.token import OAuthEndpoints

log = logging.getLogger("gatepost")
REALM = "gatepost"


class Gateway:
    """One worker's gateway, made from one configuration. A reload makes another."""

    def __init__(
        self,
        settings: Settings,
        *,
        store_url: str,
        telemetry: Telemetry,
        note: Note | None = None,
        clock: Clock = system_clock,
        lookup: Lookup = look_up,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._telemetry = telemetry
        self._cache = TokenCache(settings.store.prefix, monotonic)
        self._live = LiveTokens()
        self.store = Store(
            store_url,
            settings.store.prefix,
            settings.store.timeout,
            tracking=True,
            listener=self._cache,
            observer=telemetry.store_asked,
        )
        self.store.listeners.add(self._live)
        of_file = file_clients(settings.clients)
        self._upstreams = make_upstreams(settings, lookup)
        self._new_id = new_request_id()
        self._tokens = token_parts(settings, self.store, self._cache, clock)
        self._binding = Binding(self.store.once, clock, self._tokens.nonces)
        self._clients = Clients(of_file, self.store.clients)
        self._families = refresh_families(settings, self.store, self._clients, clock)
        self._shelf = PluginShelf(Catalog(), self._lent(of_file))
        self._issuers = Issuers(settings.issuers, clock)
        self._guard = Guard(
            self.store.tokens,
            self._cache,
            self._tokens.opaque,
            self._tokens.jwts,
            self._clients,
            self._issuers.directory,
        )
        self._grants = self._shelf.grants(settings.grants)
        self._usage = UsageKeeper(Tally(), self.store.usage, clock)
        self._held = HeldTokens(self._guard, self._families, clock)
        oauth = self._oauth_endpoints()
        self._portal = self._late_portal(oauth.desk)
        self.runner = self._front(oauth, note)
        self.management = management_app(self.store.ping, telemetry)

    async def start(self) -> None:
        """Opens store, upstreams and plugins, and makes the application ready to be served.

        Raises:
            GatepostError: something can't be opened; call `stop` all the same.
        """
        await self.store.start()
        await self._first_key()
        await self._issuers.start()
        await start_upstreams(self._upstreams.values())
        await self._shelf.start()
        await self._usage.start()
        await self.runner.setup()
        # Those of the configuration that this one replaces are of no interest any more.
        self._telemetry.gauges = upstream_gauges(self._upstreams.values())

    async def _first_key(self) -> None:
        """Makes the key that signs, so that /jwks shows it before the first token."""
        if signs_tokens(self._settings):
            try:
                await self._tokens.keys.signer()
            except StoreUnavailable as error:
                log.warning("there is no signing key yet: %s", error.reason)

    async def stop(self) -> None:
        """Finishes what is in flight, then closes all. Works after a failed start too."""
        await self.runner.cleanup()
        await self._portal.stop()
        await self._usage.stop()
        await self._shelf.stop()
        await self._issuers.stop()
        for upstream in self._upstreams.values():
            await upstream.stop()
        await self.store.stop()

    def _lent(self, of_file: Sequence[Client]) -> PluginContext:
        """What plugins are given to work with."""
        settings, clock = self._settings, self._clock
        return replace(
            plugin_context(settings, FileClients(of_file), clock),
            users=grant_users(settings, self.store, clock),
            refresh_tokens=self._families,
            limits=Limits(self.store.limits, clock),
        )

    def _front(self, oauth: OAuthEndpoints, note: Note | None) -> GatewayRunner:
        """What requests come to: the lane, and the application."""
        settings, clock = self._settings, self._clock
        arrival = Arrival(trust(settings.server.trusted_proxies), self._new_id, clock)
        enabled = settings.portal.enabled
        desk = self._proxy_desk(Ledger(self._telemetry, note, self._usage.tally if enabled else None))
        jwks = JwksEndpoint(self._tokens.keys, settings.tokens.signing.lead // 2)
        portal = self._portal if enabled else None
        app = application(arrival, desk, oauth, self._metadata_endpoints(), jwks, portal)
        tokens = TokenLane(oauth, desk.ledger, arrival.trusted, self._new_id, clock)
        read = openings(desk.routes)
        lane = Lane(desk, self._guard, arrival.trusted, self._new_id, read, tokens)
        return self._runner(app, lane if settings.server.fast_lane else None)

    def _proxy_desk(self, ledger: Ledger) -> ProxyDesk:
        settings = self._settings
        return ProxyDesk(
            routes=route_table(settings, self._upstreams, self._shelf),
            find_token=self._guard.facts,
            ledger=ledger,
            clock=self._clock,
            realm=REALM,
            max_body=settings.server.max_body,
            patience=patience(settings.server),
            ask_token=self._guard.ask,
            prove=self._binding.prove,
        )

    def _oauth_endpoints(self) -> OAuthEndpoints:
        settings = self._settings
        tokens = settings.tokens
        clients = ClientAuthentication(
            self._clients,
            self.store.attempts,
            GuessingRules(),
            self._clock,
            issuer=settings.server.public_url,
            once=self.store.once,
        )
        desk = TokenDesk(
            clients=clients,
            grants=self._grants,
            scope_rules=scope_rules(settings.scopes),
            lifetime_rules=LifetimeRules(tokens.lifetime, tokens.max_lifetime),
            issuer=Issuer(
                self.store.tokens,
                self._tokens.formats,
                self._tokens.seal,
                ReuseRules(tokens.reuse, tokens.renew_before),
                self._clock,
                self._live,
            ),
            clock=self._clock,
            binding=self._binding,
            uri=settings.server.public_url + TOKEN,
        )
        return OAuthEndpoints(
            desk=desk,
            revocation=RevocationDesk(clients, self._held),
            introspection=IntrospectionDesk(clients, self._held, settings.server.public_url),
            realm=REALM,
            body_timeout=settings.server.timeouts.body,
            telemetry=self._telemetry,
            tally=self._usage.tally,
        )

    def _metadata_endpoints(self) -> MetadataEndpoints:
        settings = self._settings
        return MetadataEndpoints(about_the_server(settings, self._grants), about_the_resources(settings))

    def _late_portal(self, tokens: TokenDesk) -> LateSite:
        def build() -> dict[str, web.Application]:
            from gateway.assembly.portal import portal  # noqa: PLC0415 (costly; only when somebody comes)

            parts = (self.store, self._clients, self._guard, tokens, self._held, self._usage.tally)
            return portal(self._settings, *parts, self._clock)

        return LateSite(build)

    def _runner(self, app: web.Application, lane: Lane | None) -> GatewayRunner:
        server = self._settings.server
        timeouts = server.timeouts
        terms = Terms(overseer(server), timeouts.header, timeouts.idle, self._clock, self._new_id, lane)
        return GatewayRunner(app, terms, drain=timeouts.drain)
