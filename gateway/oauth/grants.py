"""What a grant is asked, and what it decides (RFC 6749 section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.oauth.form import Form
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.resource import granted_audience
from gateway.oauth.scope import ScopeRules
from gateway.oauth.values import Client


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

    def scopes(self) -> tuple[str, ...]:
        """The scopes that the client gets for what it asked; `invalid_scope` otherwise."""
        return self.scope_rules.granted(self.form.get("scope"), self.client.scopes)

    def audience(self) -> tuple[str, ...]:
        """The resources that the token is for; `invalid_target` where one is not the client's."""
        return granted_audience(self.form.resources, self.client.audiences)

    def narrowed_audience(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """What is left of an audience that was granted before; `invalid_target` where more is asked for."""
        kept = [resource for resource in before if resource in self.client.audiences]
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
    extra: dict[str, str] = field(default_factory=dict)
    """Further facts to note in the token's record; kept short."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token that the store has, before its client has it."""

    name: str
    """What the store knows it by; not the token."""
    grant_type: str
    grant: Grant
