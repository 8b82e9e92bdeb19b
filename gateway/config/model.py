"""The whole of gateway.yaml."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from gateway.config.base import Many, Section
from gateway.config.clients import ClientSettings
from gateway.config.grants import ON_BY_DEFAULT, GrantSettings
from gateway.config.issuers import IssuerSettings
from gateway.config.logs import Logging
from gateway.config.plugins import PluginUse
from gateway.config.portal import Portal
from gateway.config.routes import RouteSettings
from gateway.config.server import Management, ManagementOrFalse, Server
from gateway.config.store import Store
from gateway.config.tiers import Tier
from gateway.config.tokens import Scopes, Tokens
from gateway.config.upstreams import UpstreamSettings
from gateway.config.words import Name


class Settings(Section):
    """What gateway.yaml says, checked. Attributes have the names of the keys."""

    server: Server = Field(default=Server(), description="The public side of the gateway.")
    management: ManagementOrFalse = Field(
        default=Management(),
        description="The listener for operators: /healthz, /readyz, /metrics. false: none.",
    )
    store: Store = Field(default=Store(), description="Where tokens, clients and counters are kept.")
    tokens: Tokens = Field(
        default=Tokens(), description="How long access tokens live, and when one is given out again."
    )
    grants: Mapping[Name, GrantSettings] = Field(
        default={ON_BY_DEFAULT: GrantSettings(enabled=True)},
        description="What /token serves at all, by grant; a client's own list narrows it further. "
        "client_credentials is on unless it is switched off here.",
    )
    scopes: Scopes = Field(default=Scopes(), description="Scopes that clients have without being given them.")
    clients: Many[ClientSettings] = Field(default=(), description="The applications that may ask for tokens.")
    issuers: Mapping[Name, IssuerSettings] = Field(
        default={}, description="Other token servers, by name, whose tokens routes may accept."
    )
    tiers: Mapping[Name, Tier] = Field(
        default={},
        description="Limits with a name, for clients and plugins to refer to: a mapping, or a string such as "
        "1000 per 1m.",
    )
    upstreams: Mapping[Name, UpstreamSettings] = Field(default={}, description="The backends, by name.")
    routes: Many[RouteSettings] = Field(
        default=(), description="Which requests go where, and who may send them."
    )
    plugins: Many[PluginUse] = Field(default=(), description="Plugins of every route, in this order.")
    portal: Portal = Field(default=Portal(), description="The developer portal, at /portal/.")
    logging: Logging = Field(default=Logging(), description="The log, on standard error.")
