"""What the portal's pages work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.accounts.applications import Applications
from gateway.accounts.clients import Clients
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.usage_reports import UsageReports
from gateway.accounts.users import UserAuthentication, Users
from gateway.clock import Clock
from gateway.oauth.values import TokenFacts
from gateway.portal.protection import FormProof
from gateway.steps.own_tokens import OwnTokens

MANAGE = "portal:manage"
"""The scope with which a token works the portal's REST interface."""


@dataclass(frozen=True, slots=True)
class Api:
    """A route as a developer sees it."""

    path: str
    exact: bool
    methods: tuple[str, ...]
    """Empty: all."""
    host: str | None
    scopes: tuple[str, ...]
    audience: str | None
    protected: bool
    """Whether a token is needed."""


@dataclass(frozen=True, slots=True)
class PortalFacts:
    """What of the configuration the portal shows."""

    public_url: str
    self_signed: bool
    """Whether callers meet a certificate that no authority has signed."""
    sign_up: bool
    grants: tuple[str, ...]
    """The grants that are switched on."""
    scopes: tuple[str, ...]
    """What developers may give their applications."""
    default_scopes: tuple[str, ...]
    application_scope: str | None
    lifetime: int
    """Seconds that tokens live unless their keys say otherwise."""
    max_lifetime: int
    apis: tuple[Api, ...]
    tiers: tuple[str, ...] = ()
    """The throttling tiers that there are."""
    developer_tiers: tuple[str, ...] = ()
    """Those that developers may choose."""

    @property
    def secure(self) -> bool:
        """Whether people come over HTTPS."""
        return self.public_url.startswith("https:")


@dataclass(frozen=True, slots=True)
class PortalDesk:
    """Everything is worked out when the configuration is loaded."""

    facts: PortalFacts
    users: Users
    authentication: UserAuthentication
    applications: Applications
    registry: ClientRegistry
    tokens: OwnTokens
    reports: UsageReports
    clients: Clients
    find_token: Callable[[str], Awaitable[TokenFacts | None]]
    """The facts of a live token (`gateway.tokens.guard.Guard.facts`)."""
    proof: FormProof
    stamp_key: bytes
    """What a session's tie to a password is made with."""
    body_timeout: float
    """Seconds that a form may take to arrive."""
    clock: Clock
