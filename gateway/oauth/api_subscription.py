"""What an application's developer has asked of an API with `access: request`, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, get_args

from gateway.errors import GatepostError

SubscriptionState = Literal["pending", "approved", "refused", "ended"]
STATES: tuple[SubscriptionState, ...] = get_args(SubscriptionState)


class SubscriptionRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """A subscription can't be asked for or decided; the text, for people, says why."""


@dataclass(slots=True, frozen=True)
class ApiSubscription:
    """One for an application and an API. Who asks again after a refusal replaces it."""

    api: str
    """The API's name (`gateway.config.routes.RouteSettings.api_name`)."""
    state: SubscriptionState = "pending"
    scopes: tuple[str, ...] = ()
    """What its keys get when it is approved."""
    tier: str = ""
    """The limits on calls of the API; empty: the application's."""
    note: str = ""
    """Of who asks."""
    asked: int = 0
    """Seconds since the epoch."""
    asked_by: str = ""
    """A name, for people to read."""
    decided: int = 0
    """Seconds since the epoch; 0: it waits for a decision."""
    decided_by: str = ""
    answer: str = ""
    """The note of who has decided."""

    @property
    def key(self) -> str:
        """What it is called in URLs: the API's name may have any characters."""
        return sha256(self.api.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def holds(self) -> bool:
        """Whether it waits or is approved: nobody asks a second time."""
        return self.state in ("pending", "approved")


def approved(one: ApiSubscription, by: str, note: str, tier: str, now: int) -> ApiSubscription:
    """The subscription as an approver lets it hold. Raises SubscriptionRefused."""
    _must_be(one, "pending")
    return replace(one, state="approved", tier=tier, decided=now, decided_by=by, answer=note)


def refused(one: ApiSubscription, by: str, note: str, now: int) -> ApiSubscription:
    """The same, refused. Raises SubscriptionRefused."""
    _must_be(one, "pending")
    return replace(one, state="refused", decided=now, decided_by=by, answer=note)


def ended(one: ApiSubscription, by: str, note: str, now: int) -> ApiSubscription:
    """The same, ended. Raises SubscriptionRefused."""
    _must_be(one, "approved")
    return replace(one, state="ended", decided=now, decided_by=by, answer=note)


def _must_be(one: ApiSubscription, state: SubscriptionState) -> None:
    if one.state != state:
        raise SubscriptionRefused(f"The subscription is {one.state}, not {state}.")
