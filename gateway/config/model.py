"""The root model of gateway.yaml."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from gateway.config.base import Many, Section
from gateway.config.clients import ClientSettings
from gateway.config.grants import ON_BY_DEFAULT, GrantSettings
from gateway.config.guessing import GuessingSettings
from gateway.config.issuers import IssuerSettings
from gateway.config.logging import LoggingSettings
from gateway.config.management import ManagementOrFalse, ManagementSettings
from gateway.config.plugins import PluginUse
from gateway.config.portal import PortalSettings
from gateway.config.registration import RegistrationSettings
from gateway.config.routes import RouteSettings
from gateway.config.server import ServerSettings
from gateway.config.source import ConfigSource
from gateway.config.store import StoreSettings
from gateway.config.tiers import Tier
from gateway.config.tokens import ScopeSettings, TokenSettings
from gateway.config.upstreams import UpstreamConfig
from gateway.config.value_types import Name
from gateway.http.endpoints import REGISTER, GatewayPaths
from gateway.runtime.give_way import giving_way


class Settings(Section):
    """The validated configuration. Attributes are named like the keys."""

    extends: str | None = Field(
        default=None,
        description="Another file, relative to this one, that this one is laid over: mappings are merged, "
        "lists and values replaced; clients, routes and portal users are merged one by one.",
    )
    include: Many[str] = Field(
        default=(),
        description="Further files, such as routes.d/*.yaml, relative to this one. Lists are joined, "
        "mappings merged; a key given twice is an error.",
    )
    server: ServerSettings = Field(default=ServerSettings(), description="The public side of the gateway.")
    management: ManagementOrFalse = Field(
        default=ManagementSettings(),
        description="The listener for operators: /healthz, /readyz, /metrics. false: none.",
    )
    store: StoreSettings = Field(
        default=StoreSettings(), description="Where tokens, clients and counters are stored."
    )
    tokens: TokenSettings = Field(
        default=TokenSettings(), description="Access tokens: format, lifetime, reuse."
    )
    grants: Mapping[Name, GrantSettings] = Field(
        default={ON_BY_DEFAULT: GrantSettings(enabled=True)},
        description="What POST /token serves, by name. A client's own grants narrows it further.",
    )
    guessing: GuessingSettings = Field(
        default=GuessingSettings(), description="How often authentication may fail."
    )
    registration: RegistrationSettings = Field(
        default=RegistrationSettings(), description="Who may register clients (RFC 7591). Off by default."
    )
    scopes: ScopeSettings = Field(default=ScopeSettings(), description="Scopes that every client has.")
    clients: Many[ClientSettings] = Field(
        default=(), description="The clients; those in the store come on top."
    )
    metadata: Mapping[str, Any] = Field(
        default={},
        description="Further members of the metadata document (RFC 8414), such as service_documentation. "
        "null takes a member out.",
    )
    issuers: Mapping[Name, IssuerSettings] = Field(default={}, description="The issuers, by name.")
    tiers: Mapping[Name, Tier] = Field(
        default={},
        description="The tiers, by name: letters, digits, _, - and .",
    )
    upstreams: Mapping[Name, UpstreamConfig] = Field(
        default={}, description="The upstreams, by name: letters, digits, _, - and ."
    )
    routes: Many[RouteSettings] = Field(
        default=(), description="Which requests go where, and who may send them."
    )
    plugins: Many[PluginUse] = Field(default=(), description="The plugins of every route, in this order.")
    portal: PortalSettings = Field(default=PortalSettings(), description="The developer portal, at /portal/.")
    logging: LoggingSettings = Field(default=LoggingSettings(), description="Logs, on standard error.")

    _load_id: str = PrivateAttr(default_factory=lambda: secrets.token_hex(8))
    _source: ConfigSource | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _whole_grpc_paths(self) -> Settings:
        """A call of gRPC names its method by the whole path: unless it is said, nothing is stripped."""
        if not any(upstream.protocol == "grpc" for upstream in self.upstreams.values()):
            return self
        routes = tuple(
            route.model_copy(update={"strip_prefix": False})
            if self.speaks_grpc(route.upstream) and "strip_prefix" not in route.model_fields_set
            else route
            for route in giving_way(self.routes)
        )
        object.__setattr__(self, "routes", routes)
        return self

    def speaks_grpc(self, upstream: str | None) -> bool:
        """Whether the upstream of a route has `protocol: grpc`."""
        configured = None if upstream is None else self.upstreams.get(upstream)
        return configured is not None and configured.protocol == "grpc"

    @property
    def every_scope(self) -> tuple[str, ...]:
        """All scopes that any request to a route can need, each once."""
        every = (scope for route in giving_way(self.routes) if route.enabled for scope in route.every_scope)
        return tuple(dict.fromkeys(every))

    @property
    def paths(self) -> GatewayPaths:
        """The paths that the gateway answers itself."""
        return replace(self.server.paths, register=(REGISTER,) if self.registration.enabled else ())

    @property
    def load_id(self) -> str:
        """Identifies this load of the file. The same in all workers that serve it."""
        return self._load_id

    @property
    def source(self) -> ConfigSource | None:
        """What it was loaded from; None where it was not loaded from a file."""
        return self._source

    def loaded_from(self, source: ConfigSource) -> None:
        """Sets `source`."""
        self._source = source
