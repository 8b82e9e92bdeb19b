"""What the portal's pages work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gateway.accounts.activity import Activity
from gateway.accounts.applications import MANAGE_SCOPE, Applications
from gateway.accounts.call_reports import CallReports
from gateway.accounts.calls import RecentCall
from gateway.accounts.clients import Clients
from gateway.accounts.invitations import Invitations, TeamInvitations
from gateway.accounts.key_uses import KeyUse
from gateway.accounts.limits_left import ReadLimits
from gateway.accounts.provider_users import ProviderSignIn
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.sign_ups import SignUpLimiter
from gateway.accounts.subscriptions import ApiSubscriptions
from gateway.accounts.teams import Teams
from gateway.accounts.usage_reports import UsageReports
from gateway.accounts.user_mails import UserMails
from gateway.accounts.users import UserAuthentication, Users
from gateway.accounts.webhooks import ApplicationWebhooks
from gateway.clock import Clock
from gateway.oauth.model import TokenInfo
from gateway.oauth.user import User
from gateway.oauth_flows.portal_tokens import PortalTokens
from gateway.portal.brand import Brand
from gateway.portal.csrf import CsrfToken
from gateway.portal.drafts import Drafts
from gateway.portal.flow_cookie import FlowCookie
from gateway.portal.guides import Guide
from gateway.portal.operator_file import OperatorFile
from gateway.portal.sessions import OwnSessions
from gateway.portal.shown_once import ShownOnce
from gateway.translation.catalogue import Catalogues
from gateway.translation.languages import SHIPPED, Language

if TYPE_CHECKING:  # These need an extra.
    from gateway.accounts.passkeys import Passkeys, PasskeySignIn

MANAGE = MANAGE_SCOPE
"""The scope with which a token works the portal's REST interface."""


SignUp = Literal["", "open", "approval", "invitation"]
"""Who may create an account: nobody, anybody, whoever an administrator approves or has invited."""


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
    strips: bool = False
    """Whether the upstream sees the path without the route's."""
    subscription: str = ""
    """The API that a client must be subscribed to; empty: none."""


@dataclass(frozen=True, slots=True)
class SubscribableApi:
    """An API with `access: request`: one route, or several of the same name."""

    name: str
    summary: str
    scopes: tuple[str, ...]
    """Those that any of its routes needs."""
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThrottlingPolicy:
    """A tier, as programs are told of it."""

    name: str
    limit: int
    """Requests in any period of `seconds`."""
    seconds: float
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A provider at which people sign in."""

    id: str
    """In the paths of its pages; empty: they have none."""
    name: str
    """What people know it as."""
    issuer: str

    @property
    def suffix(self) -> str:
        """What the paths of its pages end with."""
        return f"/{self.id}" if self.id else ""

    @property
    def title(self) -> str:
        """The name at the beginning of a sentence."""
        return f"{self.name[:1].upper()}{self.name[1:]}"


@dataclass(frozen=True, slots=True)
class PortalInfo:
    """What of the configuration the portal shows."""

    public_url: str
    self_signed: bool
    """Whether callers meet a certificate that no authority has signed."""
    sign_up: SignUp
    grants: tuple[str, ...]
    """The grants that are switched on."""
    scopes: tuple[str, ...]
    """What developers may give their applications."""
    default_scopes: tuple[str, ...]
    application_scope: str | None
    token_path: str
    """Where the token endpoint is, beneath the public URL."""
    revoke_path: str
    lifetime: int
    """Seconds that tokens live unless their keys say otherwise."""
    max_lifetime: int
    apis: tuple[Api, ...]
    tiers: tuple[str, ...] = ()
    """The throttling tiers that there are."""
    policies: tuple[ThrottlingPolicy, ...] = ()
    """The same with their limits."""
    developer_tiers: tuple[str, ...] = ()
    """Those that developers may choose."""
    subscribable: tuple[SubscribableApi, ...] = ()
    """The APIs that need a subscription."""
    guides: tuple[Guide, ...] = ()
    """The operator's own pages."""
    guide_images: Mapping[str, OperatorFile] = field(default_factory=dict)
    """What they show, by names in URLs."""
    brand: Brand = field(default_factory=Brand)
    providers: tuple[ProviderInfo, ...] = ()
    """Those at which people sign in, in the order of their buttons."""
    recent_calls: int = 0
    """So many last calls of keys are kept."""
    languages: tuple[Language, ...] = SHIPPED
    """Those of the pages; the first is for who asks for none of them."""
    webhooks: bool = False
    """Whether applications can have a webhook."""
    mails: bool = False
    """Whether people can have an e-mail address that they are written to."""
    passkeys: bool = False
    """Whether people can have passkeys."""

    @property
    def secure(self) -> bool:
        """Whether people come over HTTPS."""
        return self.public_url.startswith("https:")

    def provider_of(self, issuer: str) -> ProviderInfo | None:
        """The provider of this issuer; None: the configuration names none."""
        return next((one for one in self.providers if one.issuer == issuer), None)


class KeyUseReader(Protocol):
    """When, from where and with what keys were used last."""

    async def read(self, client_id: str, wanted: Sequence[str]) -> dict[str, KeyUse]:
        """The last uses of a client, as far as there are any: `LAST_TOKEN`, `LAST_CALL`, or those of API keys
        by their prefixes. Raises StoreUnavailable."""


class CallReader(Protocol):
    """What is kept of the calls of keys (`gateway.store.calls.CallStore`). Raises StoreUnavailable."""

    async def last(self, client_id: str, most: int) -> list[RecentCall]:
        """The last calls, newest first."""


class ApiDocumentation(Protocol):
    """The APIs with what is known of them (`gateway.portal.api_documents`)."""

    @property
    def apis(self) -> Sequence[Any]:
        """All of them."""

    async def find(self, name: str) -> Any:
        """One with its document; None: there is none of this name."""


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A refused request, as far as its developer may know."""

    time: float
    """Seconds since the epoch."""
    request: str
    """Method and path."""
    status: int
    code: str
    detail: str
    """As the caller was told."""
    route: str
    client: str
    """Whose call it was; empty: nobody's that is known."""
    scopes_needed: tuple[str, ...]
    scopes_had: tuple[str, ...]

    @property
    def scopes_missing(self) -> tuple[str, ...]:
        """What the token lacked."""
        return tuple(scope for scope in self.scopes_needed if scope not in self.scopes_had)


@dataclass(frozen=True, slots=True)
class ProviderServices:
    """What signing in at providers needs."""

    sign_ins: Mapping[str, ProviderSignIn]
    """By the ids of the providers."""
    cookie: FlowCookie


class AnybodysPasskeys(Protocol):
    """Everybody's passkeys, for administrators (`gateway.store.passkeys`)."""

    async def counts(self, ids: Iterable[str]) -> dict[str, int]:
        """How many these people have, by id; only those who have any."""

    async def remove_all(self, user: User) -> int:
        """Removes a person's; how many there were."""


@dataclass(frozen=True, slots=True)
class PasskeyServices:
    """What passkeys need."""

    own: Passkeys
    sign_in: PasskeySignIn


@dataclass(frozen=True, slots=True)
class PortalServices:
    """Everything is worked out when the configuration is loaded."""

    facts: PortalInfo
    users: Users
    authentication: UserAuthentication
    sign_ups: SignUpLimiter
    invitations: Invitations
    applications: Applications
    teams: Teams
    team_invitations: TeamInvitations
    subscriptions: ApiSubscriptions
    registry: ClientRegistry
    tokens: PortalTokens
    reports: UsageReports
    clients: Clients
    key_uses: KeyUseReader
    calls: CallReader
    call_reports: CallReports
    activity: Activity
    limits_left: ReadLimits
    find_token: Callable[[str], Awaitable[TokenInfo | None]]
    """The facts of a live token (`gateway.tokens.token_validator.TokenValidator.facts`)."""
    find_refusal: Callable[[str], Awaitable[RefusedCall | None]]
    """The refusal of a request of the last hour, by its id."""
    csrf: CsrfToken
    sessions: OwnSessions
    session_key: Callable[[str | None], str]
    """The key of the session of an id, as `sessions` lists it; empty: there is none."""
    shown_once: ShownOnce
    drafts: Drafts
    all_passkeys: AnybodysPasskeys
    """Also those that were made before `portal.passkeys` was switched off."""
    documents: ApiDocumentation
    body_timeout: float
    """Seconds that a form may take to arrive."""
    clock: Clock
    ask_store: Callable[[], Awaitable[None]]
    """Over as soon as the store answers. Raises StoreUnavailable while it does not."""
    providers: ProviderServices | None = None
    """At which people sign in without a password; None: there are none."""
    catalogues: Catalogues = field(default_factory=Catalogues)
    passkeys: PasskeyServices | None = None
    """None: `portal.passkeys` is off."""
    webhooks: ApplicationWebhooks | None = None
    """None: `portal.webhooks` is off."""
    mails: UserMails | None = None
    """None: there is no `portal.notify.email`."""
