"""The composition root: builds the running application from a configuration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from aiohttp import web

from gateway.accounts.api_keys import ApiKeys
from gateway.accounts.calls import CallLog, CallRecorder
from gateway.accounts.key_uses import KeyUses
from gateway.accounts.static_clients import StaticClients
from gateway.accounts.usage import UsageCounter, UsageRecorder
from gateway.acme.folder import AcmeFolder
from gateway.assembly.audit import AuditTrail
from gateway.assembly.client_limits import limits_left
from gateway.assembly.config_identity import config_hash
from gateway.assembly.connections import connection_manager, min_data_rate, trusted_proxies
from gateway.assembly.forward_auth import asking_proxies
from gateway.assembly.grants import grant_users
from gateway.assembly.identities import Identities, token_cache
from gateway.assembly.issuers import verified_tokens
from gateway.assembly.metadata import (
    allowed_origins,
    authorization_server_metadata,
    protected_resource_metadata,
)
from gateway.assembly.notices import Notices
from gateway.assembly.plugins import PluginSet, plugin_context
from gateway.assembly.refusal_log import RefusalLog, why
from gateway.assembly.registration import registration_services
from gateway.assembly.revocation_proof import proved
from gateway.assembly.routes import route_table
from gateway.assembly.status import documents
from gateway.assembly.store import make_store
from gateway.assembly.store_gauges import store_gauges
from gateway.assembly.token_services import token_services
from gateway.assembly.tokens import backend_assertions, configured_keys, signs_tokens
from gateway.assembly.upstream_gauges import upstream_gauges
from gateway.assembly.upstreams import make_upstreams, start_upstreams
from gateway.clock import Clock, system_clock
from gateway.config.model import Settings
from gateway.errors import StoreUnavailable
from gateway.http.problems import Problem
from gateway.limits import Limits
from gateway.oauth.bearer import REALM
from gateway.oauth_flows.introspection import IntrospectionServices
from gateway.oauth_flows.revocation import RevocationServices
from gateway.oauth_flows.token import TokenServices
from gateway.otel.tracer import Tracer
from gateway.plugin import PluginContext
from gateway.plugin.catalog import PluginCatalog
from gateway.process.management import management_app
from gateway.process.process_status import ProcessStatus
from gateway.process.readiness import Readiness
from gateway.proxy.request_cache import request_reader
from gateway.server.aiohttp_server import GatewayRunner
from gateway.server.in_flight import RequestTaker
from gateway.server.settings import ConnectionSettings
from gateway.signing.key_check import OtherMasterKey
from gateway.store import key_names
from gateway.telemetry import Telemetry
from gateway.telemetry.refusals import RefusalBuffer
from gateway.telemetry.snapshot import ProcessInfo
from gateway.tokens.token_issuer import ReusableTokenCache
from gateway.tokens.token_monitor import TokenMonitor
from gateway.upstream.resolve import Lookup, look_up
from gateway.web.acme_challenges import AcmeChallenges
from gateway.web.aiohttp_app import application
from gateway.web.detailed_recorder import request_recorder
from gateway.web.endpoint_cors import EndpointCors
from gateway.web.fast_path import FastPath
from gateway.web.jwks_endpoint import JwksEndpoint
from gateway.web.lazy_app import LazyApp
from gateway.web.metadata_endpoints import MetadataEndpoints
from gateway.web.oauth_endpoints import OAuthEndpoints
from gateway.web.overload_protection import OverloadProtection
from gateway.web.proxy_services import ProxyServices
from gateway.web.recording_middleware import noted_in
from gateway.web.redirect_app import redirect_application
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.registration_endpoint import RegistrationEndpoint
from gateway.web.request_context import RequestContext, new_request_id
from gateway.web.request_recorder import Note, OtherFacts, RequestRecorder
from gateway.web.token_fast_path import TokenFastPath, request_starts
from gateway.web.tracing_recorder import TracingRecorder
from gateway.web.verify_endpoint import VerifyEndpoint
from gateway.web.verify_fast_path import with_questions

log = logging.getLogger("gatepost")


class Gateway:
    """One worker's gateway for one configuration. A reload creates a new one."""

    def __init__(
        self,
        settings: Settings,
        *,
        store_url: str,
        telemetry: Telemetry,
        record_request: Note | None = None,
        status: ProcessStatus | None = None,
        tracer: Tracer | None = None,
        clock: Clock = system_clock,
        lookup: Lookup = look_up,
    ) -> None:
        self._settings, self._signs_tokens = settings, signs_tokens(settings)
        self._clock = clock
        self._telemetry = telemetry
        self._tracer = tracer
        self._cache = token_cache(key_names(store_url, settings.store.prefix))
        self._reusable_tokens = ReusableTokenCache()
        self.store = make_store(
            settings,
            store_url,
            configured_keys(settings),
            tracking=True,
            listener=self._cache,
            observer=telemetry.on_store_command,
        )
        self.store.listeners.add(self._reusable_tokens)
        self._trail = AuditTrail(settings, self.store, clock)
        self._identities = Identities(settings, self.store, self._cache, clock)
        self._notices = Notices(settings, self.store, self._identities.static_clients, clock, self._serves)
        self._upstreams = make_upstreams(settings, lookup, timed=tracer is not None)
        self._new_request_id = new_request_id()
        self._key_uses = KeyUses(self.store.key_uses)
        self._plugin_set = PluginSet(PluginCatalog(), self._plugin_context())
        self._grants = self._plugin_set.grants(settings.grants)
        self._calls = CallLog(clock, settings.portal.recent_calls) if settings.portal.enabled else None
        self._usage = self._usage_recorder()
        configuration, validator = config_hash(settings), self._identities.validator
        self._connections = connection_manager(settings.server, telemetry.limit_reached)
        self._refusals = RefusalRecorder(
            RefusalBuffer(),
            validator.find,
            validator.why_invalid,
            clock,
            configuration,
            self._connections.reached,
        )
        self._refusal_log = RefusalLog(self._refusals.buffer, self.store.refusals)
        services = token_services(
            settings, self.store, self._identities, self._grants, self._reusable_tokens, clock
        )
        oauth = self._oauth_endpoints(services)
        self._portal = self._lazy_portal(services)
        self.redirect_runner: GatewayRunner | None = None
        self.grpc_protocol: Callable[[], asyncio.Protocol] | None = None
        self.runner = self._public_runner(oauth, record_request)
        self._limits_left = limits_left(settings, self._plugin_set, self.store, clock)
        self._usage.watch(self._notices.of_calls(self.store, self._limits_left, clock))
        shown = {} if status is None else documents(settings, configuration, status, telemetry, clock)
        self.management = management_app(
            self._ready, telemetry, shown, partial(why, self.store.refusals, clock)
        )

    async def start(self) -> None:
        """Connects to the store, starts upstreams and plugins, and sets up the application.

        Raises:
            GatepostError: something can't be started; `stop` must be called nevertheless.
        """
        self.store.monitor()
        await self.store.start()
        await self._check_master_key()
        await self._ensure_signing_key()
        await self._identities.issuers.start()
        await start_upstreams(self._upstreams.values())
        await self._plugin_set.start()
        await self._usage.start()
        await self._trail.start()
        await self._refusal_log.start()
        await self._notices.start()
        await self.runner.setup()
        self._overload.start()
        if self.redirect_runner is not None:
            await self.redirect_runner.setup()
        # Replaces the gauges of the previous configuration.
        gauges = (
            upstream_gauges(self._upstreams.values()),
            store_gauges(self.store),
            self._notices.gauges,
            self._overload.gauges,
        )
        self._telemetry.gauges = lambda: {name: value for read in gauges for name, value in read().items()}
        self._telemetry.process_info = self._process_info

    def _serves(self) -> bool:
        """Whether this is the configuration that new connections get."""
        return self._telemetry.process_info == self._process_info

    def _process_info(self) -> ProcessInfo:
        """What `/status` shows of this worker."""
        server = self.runner.server
        return {
            "connections": 0 if server is None else len(server.connections),
            "store_connected": self.store.link.connected,
            "cached_tokens": self._cache.size,
        }

    async def _ready(self) -> Readiness:
        """Readiness check. Raises GatepostError if tokens can't be judged or the master key is wrong."""
        await self.store.health.judge()
        await self._identities.tokens.key_check.check()
        report = await self.store.health.current_report()
        warnings = self.store.server.warnings
        return Readiness(None, report.issue_problem, report.revoke_problem, warnings)

    async def _check_master_key(self) -> None:
        """Checks before serving that the master key matches the store's data.

        The check logs its own failure. If the store is unreachable, it runs as soon as the store answers.
        """
        with suppress(OtherMasterKey, StoreUnavailable):
            await self._identities.tokens.key_check.check()

    async def _ensure_signing_key(self) -> None:
        """Creates the signing key, so that the JWKS contains it before the first token is issued."""
        if self._signs_tokens:
            try:
                await self._identities.tokens.keys.signer()
            except StoreUnavailable as error:
                log.warning("no signing key yet: %s", error.reason)

    async def stop(self) -> None:
        """Finishes requests in flight, then closes everything. Also valid after a failed `start`."""
        self._overload.stop()
        await self.runner.cleanup()
        if self.redirect_runner is not None:
            await self.redirect_runner.cleanup()
        await self._portal.stop()
        await self._usage.stop()
        await self._refusal_log.stop()
        await self._notices.stop()
        await self._identities.tokens.key_check.stop()
        await self._plugin_set.stop()
        await self._identities.issuers.stop()
        for upstream in self._upstreams.values():
            await upstream.stop()
        await self._trail.stop()
        await self.store.stop()

    def _plugin_context(self) -> PluginContext:
        """The services that plugins may use."""
        settings, clock, who = self._settings, self._clock, self._identities
        return replace(
            plugin_context(settings, StaticClients(who.static_clients), clock, self.store),
            users=grant_users(settings, who.file_users, self.store, who.passwords, clock),
            refresh_tokens=who.families,
            api_keys=ApiKeys(who.clients, clock, self._key_uses),
            registered=who.clients,
            assertions=backend_assertions(settings, who.tokens.keys, who.clients, self.store, clock),
            tokens=verified_tokens(settings, who.issuers, who.validator, clock),
            limits=Limits(self.store.limits, clock),
        )

    def _public_runner(self, oauth: OAuthEndpoints, record_request: Note | None) -> GatewayRunner:
        """The server of the public listeners: the fast path and the aiohttp application."""
        settings, clock, new_id = self._settings, self._clock, self._new_request_id
        trusted, limits = trusted_proxies(settings), settings.server.limits.of_requests
        request_context = RequestContext(trusted, new_id, clock, noted_in(self._refusals), limits)
        enabled = settings.portal.enabled
        services = self._proxy_services(
            self._recorder(record_request, self._usage.tally if enabled else None)
        )
        paths, max_delay = settings.paths, settings.server.max_event_loop_delay
        noting = services.recorder, self._refusals
        self._overload = OverloadProtection(max_delay, trusted, paths, *noting, new_id, clock)
        jwks = JwksEndpoint(self._identities.tokens.keys, settings.tokens.signing.lead // 2)
        portal = self._portal if enabled else None
        metadata = self._metadata_endpoints()
        registration = self._registration()
        challenges = None
        if paths.acme_challenges:
            challenges = AcmeChallenges(AcmeFolder(settings.server.state_dir).key_authorization)
        verify = VerifyEndpoint(services, asking_proxies(settings), paths, limits)
        if any(one.ext_authz is not None for one in settings.server.listen):
            self.grpc_protocol = self._grpc_protocol(verify)
        parts = metadata, jwks, paths, verify, portal, registration, challenges
        app = application(request_context, services, oauth, *parts)
        starts = request_starts(paths)
        tokens = TokenFastPath(oauth, services.recorder, trusted, new_id, clock, starts, limits)
        read = request_reader(services.routes, limits)
        proxied = FastPath(services, trusted, new_id, read, tokens)
        fast_path = with_questions(proxied, verify, new_id)
        if (https_port := settings.server.redirect_port) is not None:
            redirects = redirect_application(request_context, services.recorder, https_port, challenges)
            self.redirect_runner = self._runner(redirects, None, services.recorder)
        return self._runner(app, fast_path if settings.server.fast_lane else None, services.recorder)

    def _usage_recorder(self) -> UsageRecorder:
        store, uses, calls = self.store, self._key_uses, None
        if self._calls is not None:
            calls = CallRecorder(self._calls, store.calls, uses, self._clock)
        return UsageRecorder(UsageCounter(), store.usage, self._clock, uses, calls)

    def _recorder(self, record_request: Note | None, tally: UsageCounter | None) -> RequestRecorder:
        fields = self._settings.logging.fields
        recorder = request_recorder(self._telemetry, record_request, tally, fields, self._calls)
        return recorder if self._tracer is None else TracingRecorder(recorder, self._tracer, self._clock)

    def _grpc_protocol(self, verify: VerifyEndpoint) -> Callable[[], asyncio.Protocol]:
        """Connections of listeners with `ext_authz`, which are asked what `/auth/verify` is asked."""
        from gateway.ext_authz.authorization import Authorization  # noqa: PLC0415 (needs an extra)
        from gateway.ext_authz.listener import grpc_protocol  # noqa: PLC0415 (needs an extra)

        judge = Authorization(verify.services, verify.proxies, verify.limits, self._new_request_id)
        return grpc_protocol(judge, self._connections, self._settings.server.timeouts.header)

    def _proxy_services(self, recorder: RequestRecorder) -> ProxyServices:
        settings = self._settings
        return ProxyServices(
            routes=route_table(
                settings, self._upstreams, self._plugin_set, self._telemetry.mirror_dropped, self._tracer
            ),
            find_token=self._identities.validator.find,
            token_ended=TokenMonitor(self._identities.validator.resolve, self._cache, self._clock).ended,
            recorder=recorder,
            clock=self._clock,
            realm=REALM,
            max_body=settings.server.max_body,
            min_data_rate=min_data_rate(settings.server),
            refusals=self._refusals,
            verify_proof=self._identities.sender_constraint.verify_proof,
        )

    def _oauth_endpoints(self, services: TokenServices) -> OAuthEndpoints:
        """`/token`, `/revoke` and `/introspect`. `services`: those of `/token`."""
        settings, lookup, clients = self._settings, self._identities.lookup, services.clients
        keys, public_url = self._identities.tokens.keys, settings.server.public_url
        return OAuthEndpoints(
            services=services,
            revocation=RevocationServices(clients, lookup, partial(proved, self.store)),
            introspection=IntrospectionServices(clients, lookup, public_url, keys, self._clock),
            realm=REALM,
            body_timeout=settings.server.timeouts.body,
            telemetry=self._telemetry,
            tally=self._usage.tally,
            cors=EndpointCors(allowed_origins(settings)),
            refusals=self._refusals,
            key_uses=self._key_uses if settings.portal.enabled else None,
        )

    def _metadata_endpoints(self) -> MetadataEndpoints:
        settings = self._settings
        return MetadataEndpoints(
            authorization_server_metadata(settings, self._grants),
            protected_resource_metadata(settings),
            settings.paths,
        )

    def _registration(self) -> RegistrationEndpoint | None:
        settings, who = self._settings, self._identities
        services = registration_services(
            settings, self.store, who.clients, who.issuers, self._grants, self._clock
        )
        timeout = settings.server.timeouts.body
        return None if services is None else RegistrationEndpoint(services, REALM, timeout)

    def _lazy_portal(self, tokens: TokenServices) -> LazyApp:
        def build() -> dict[str, web.Application]:
            from gateway.assembly.portal import portal  # noqa: PLC0415 (slow to import; only for the first portal request)

            parts = (
                self.store,
                self._identities.clients,
                self._identities.validator,
                tokens,
                self._identities.lookup,
                self._usage.tally,
            )
            file_users = self._identities.file_users
            passwords, clock = self._identities.passwords, self._clock
            return portal(self._settings, file_users, *parts, passwords, self._limits_left, clock)

        return LazyApp(build)

    def _note_unread(
        self, recorder: RequestRecorder, address: str, request_id: str, problem: Problem, size: int
    ) -> None:
        """What could not be read as a request was refused: it has its metric and its access log line too."""
        facts = OtherFacts(error=problem.kind.code)
        recorder.other("-", "-", b"-", address, request_id, problem.kind.status, size, 0.0, facts=facts)
        self._refusals.unrouted("", "", address, request_id, problem)

    def _runner(
        self, app: web.Application, fast_path: RequestTaker | None, recorder: RequestRecorder
    ) -> GatewayRunner:
        timeouts, limits = self._settings.server.timeouts, self._settings.server.limits.of_requests
        header, idle, refused = timeouts.header, timeouts.idle, partial(self._note_unread, recorder)
        common = self._connections, header, idle, self._clock, self._new_request_id
        connection_settings = ConnectionSettings(*common, fast_path, refused, limits, self._overload.guard)
        return GatewayRunner(app, connection_settings, drain=timeouts.drain)
