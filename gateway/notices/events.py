"""What of the changes in the store is told, and in which words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.model import Client, Secret
from gateway.oauth.user import User
from gateway.oauth.user_mail import MailKind, UserMail

DAY = 86_400
WARNINGS = (1, 7)
"""Days before a secret's end at which it is told, the last one first."""
ENDS = ("secret.expiring", "secret.expired")
_DECISIONS = {
    "subscription.request": "subscription.requested",
    "subscription.approve": "subscription.approved",
    "subscription.refuse": "subscription.refused",
    "subscription.end": "subscription.ended",
}

OF_APPLICATIONS = frozenset(
    {*_DECISIONS.values(), *ENDS, "limit.reached", "errors.high"},
)
"""What the webhooks of applications are told."""

ADDRESS_CONFIRM, ADDRESS_CHANGED = "address.confirm", "address.changed"
KIND_OF: dict[str, MailKind] = {
    "subscription.approved": "subscriptions",
    "subscription.refused": "subscriptions",
    "subscription.ended": "subscriptions",
    "secret.expiring": "secrets",
    "secret.expired": "secrets",
    "limit.reached": "limits",
    "errors.high": "errors",
}
"""What the owners of applications are told by e-mail, by what they choose."""


class SpentLimit(Protocol):
    """A limit of which nothing is left (`gateway.accounts.limits_left.LimitLeft`)."""

    @property
    def route(self) -> str:
        """Empty: all routes."""

    @property
    def methods(self) -> Sequence[str]:
        """Empty: all."""

    @property
    def name(self) -> str:
        """As in the `RateLimit` headers."""

    @property
    def limit(self) -> int:
        """How much it allows."""

    @property
    def seconds(self) -> int:
        """The length of its window."""

    @property
    def ends(self) -> int | None:
        """When its period ends; None: it slides."""


@dataclass(frozen=True, slots=True)
class PortalEvent:
    """Something to tell."""

    type: str
    data: dict[str, Any]
    application: str = ""
    """The id of the application that it is about; empty: none."""
    person: str = ""
    """The id of the person who alone is told of it, by e-mail; empty: it is for others."""

    def body(self, now: float) -> str:
        """The JSON that is sent. `now`: when it happened."""
        told = {"type": self.type, "timestamp": rfc3339(now), "data": self.data}
        return json.dumps(told, separators=(",", ":"))


def rfc3339(seconds: float) -> str:
    """`2026-11-29T12:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def events_of(action: str, target: str, before: object | None, after: object | None) -> Iterator[PortalEvent]:
    """What is to be told of a change in the store (`gateway.store.change_listener`)."""
    if isinstance(after, ApiSubscription) and action in _DECISIONS:
        yield _subscription(_DECISIONS[action], target, after)
    elif action == "subscription.withdraw" and isinstance(before, ApiSubscription):
        if before.state == "approved":
            yield _subscription("subscription.ended", target, before, withdrawn=True)
    elif action == "application.delete" and isinstance(before, Application):
        for one in before.subscriptions:
            if one.state == "approved":
                yield _subscription("subscription.ended", target, one, withdrawn=True)
    elif action == "user.create" and isinstance(after, User) and after.pending:
        yield PortalEvent("user.signed_up", {"user": after.name, "waits_for_approval": True})
    else:
        yield from _personal(action, target, before, after)


def _personal(action: str, target: str, before: object | None, after: object | None) -> Iterator[PortalEvent]:
    """What a person alone is told: of their own account."""
    if action == "user.update" and isinstance(before, User) and isinstance(after, User):
        if before.password != after.password:
            yield PortalEvent("password.changed", {"user": after.name}, person=target)
    elif action in ("passkey.add", "passkey.remove"):
        passkey = after if action == "passkey.add" else before
        name = passkey.get("name", "") if isinstance(passkey, Mapping) else ""
        event = "passkey.added" if action == "passkey.add" else "passkey.removed"
        yield PortalEvent(event, {"passkey": name}, person=target)
    elif isinstance(before, UserMail) and isinstance(after, UserMail):
        if action == "mail.ask":
            # The address and its link are added when it is sent: neither need lie in the store twice.
            yield PortalEvent(ADDRESS_CONFIRM, {"asked": after.asked}, person=target)
        elif before.email and before.email != after.email:
            # Who takes an account over must not be able to do so unseen: the former address is told.
            data = {"to": before.email, "language": before.language, "removed": not after.email}
            yield PortalEvent(ADDRESS_CHANGED, data, person=target)


def _subscription(
    event: str, application: str, one: ApiSubscription, *, withdrawn: bool = False
) -> PortalEvent:
    decided = one.decided_by if event != "subscription.requested" and not withdrawn else ""
    told = {
        "application": application,
        "api": one.api,
        "scopes": list(one.scopes),
        "tier": one.tier,
        "note": one.note,
        "asked_by": one.asked_by,
        "decided_by": decided,
        "answer": one.answer if decided else "",
    }
    return PortalEvent(event, {name: value for name, value in told.items() if value}, application)


def limit_reached(client: Client, limit: SpentLimit) -> PortalEvent:
    """That a client has used a limit up."""
    data = {
        **named(client),
        "route": limit.route,
        "methods": list(limit.methods),
        "limit_name": limit.name,
        "limit": limit.limit,
        "seconds": limit.seconds,
        "ends": "" if limit.ends is None else rfc3339(limit.ends),
    }
    told = {name: value for name, value in data.items() if value}
    return PortalEvent("limit.reached", told, client.application)


def errors_high(whose: Mapping[str, str], calls: int, errors: int, seconds: int) -> PortalEvent:
    """That many calls were answered with a 5xx: those of a client (`named`), or of a `route`."""
    figures = {"calls": calls, "errors": errors, "share": round(errors / calls, 3), "seconds": seconds}
    return PortalEvent("errors.high", {**whose, **figures}, whose.get("application", ""))


def named(client: Client) -> dict[str, str]:
    """What a client is told by."""
    told = {"client": client.id, "client_name": client.name, "application": client.application}
    return {name: value for name, value in told.items() if value}


def warning_due(secret: Secret, now: float) -> int | None:
    """How many days before its end a secret's end is to be told now; 0: it has come within the last day;
    None: not now.
    """
    if secret.expires is None or now >= secret.expires + DAY:
        return None
    if now >= secret.expires:
        return 0
    left = secret.expires - now
    return next((days for days in WARNINGS if left <= days * DAY), None)


def expiring(client: Client, secret: Secret, now: float) -> PortalEvent:
    """That a secret ends soon, or has ended. Its name and nothing else of it is told."""
    end = secret.expires or 0
    ended = now >= end
    data = {
        **named(client),
        "secret": secret.name,
        "expires": rfc3339(end),
        "seconds_left": "" if ended else int(end - now),
    }
    told = {name: value for name, value in data.items() if value != ""}
    return PortalEvent("secret.expired" if ended else "secret.expiring", told, client.application)
