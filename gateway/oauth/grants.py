"""What a grant is asked, and what it decides (RFC 6749 section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.oauth.form import Form
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.model import Client
from gateway.oauth.resource import RouteResource, granted_audience, reachable_resources
from gateway.oauth.scope import ScopeRules


@dataclass(slots=True)
class GrantRequest:
    """A token request whose client is known and may use the grant. Plugins read it and do not change it."""

    client: Client
    form: Form
    now: float
    """Seconds since the epoch."""
    scope_rules: ScopeRules
    lifetime_rules: LifetimeRules
    address: str = ""
    """The caller's IP address."""
    resources: Sequence[RouteResource] = ()
    """The protected resources of this gateway."""
    cnf: Mapping[str, str] = field(default_factory=dict)
    """What the client has proven to hold; the token will be bound to it."""

    def scopes(self) -> tuple[str, ...]:
        """The scopes that the client gets for what it asked; `invalid_scope` otherwise."""
        return self.scope_rules.granted(
            self.form.get("scope"), self.client.scopes, self.client.default_scopes
        )

    def own_scopes(self) -> tuple[str, ...]:
        """The scopes that the client may ask for, those of every client included."""
        rules = self.scope_rules
        application = () if rules.application is None else (rules.application,)
        return (*application, *rules.default, *self.client.scopes)

    def audience(self) -> tuple[str, ...]:
        """The resources that the token is for; `invalid_target` where one is not the client's."""
        reachable = self._reachable() if self.form.resources else ()
        return granted_audience(self.form.resources, self.client.audiences, reachable)

    def _reachable(self) -> list[RouteResource]:
        """The gateway's own resources whose scopes this client may ask for."""
        return reachable_resources(self.resources, self.scope_rules, self.client.scopes)

    def narrowed_audience(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """What is left of an audience that was granted before; `invalid_target` where more is asked for."""
        reachable = self._reachable() if before else []
        kept = [
            resource
            for resource in before
            if resource in self.client.audiences or any(one.covers(resource) for one in reachable)
        ]
        return granted_audience(self.form.resources or before, kept) if before or self.form.resources else ()

    def lifetime(self) -> int:
        """Seconds that the token lives; `invalid_request` for a bad `validity_period`."""
        return self.lifetime_rules.lifetime(self.client.lifetime, self.form.get("validity_period"))


@dataclass(slots=True)
class Grant:
    """What a grant decided: the facts of the token that is to be issued."""

    subject: str
    """RFC 9068 section 2.2: the resource owner, or the client itself where none is involved."""
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    lifetime: int
    """Whole seconds."""
    reusable: bool = False
    """Whether a live token with the same facts may be given out in its place."""
    user: str | None = None
    """The resource owner's name, where there is one."""
    user_id: str | None = None
    """The id of a resource owner whom the gateway knows (`gateway.oauth.user.UserIdentity`)."""
    user_generation: str = ""
    """What it was when the resource owner proved who he is; the token ends when it moves."""
    extra: dict[str, str] = field(default_factory=dict)
    """Further facts to note in the token's record; kept short."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token that the store has, before its client has it."""

    name: str
    """What the store knows it by; not the token."""
    grant_type: str
    grant: Grant
