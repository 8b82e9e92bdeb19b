"""An application of the portal: what a developer makes, and whose keys are clients of the token server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from gateway.oauth.api_subscription import ApiSubscription, SubscriptionRefused
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.oauth.model import Subscription

Environment = Literal["production", "sandbox"]
ENVIRONMENTS: tuple[Environment, ...] = ("production", "sandbox")


@dataclass(slots=True, frozen=True)
class Application:
    """A developer's application, with up to one pair of keys for each environment."""

    id: str
    name: str
    owner: str
    """The id of whoever it belongs to: of a user (`gateway.oauth.user.UserIdentity`), or `client:` and the id
    of a client of whoever runs the gateway."""
    description: str = ""
    tier: str = ""
    """Its throttling tier; empty: none."""
    created: int = 0
    """Seconds since the epoch."""
    production: str | None = None
    """The client id of its production keys; None before they are generated."""
    sandbox: str | None = None
    owner_name: str = ""
    """The owner's name, only for people to read; the last one that is known where the owner is gone."""
    has_owner: bool = True
    """Whether the owner is there still. Not kept: it is found out when the application is looked up."""

    subscriptions: tuple[ApiSubscription, ...] = ()
    """What was asked of APIs with `access: request`, and what became of it."""
    webhook: ApplicationWebhook | None = None
    """Where its developers are told of it; None: nowhere."""

    def subscription(self, api: str) -> ApiSubscription | None:
        """Its subscription to an API, in whatever state; None: it has none."""
        return next((one for one in self.subscriptions if one.api == api), None)

    def with_subscription(
        self, api: str, decide: Callable[[ApiSubscription], ApiSubscription | None]
    ) -> Application:
        """The application with what is decided of a subscription; None removes it.

        Raises SubscriptionRefused.
        """
        if self.subscription(api) is None:
            raise SubscriptionRefused("There is no such subscription, or no longer.")
        decided = (decide(one) if one.api == api else one for one in self.subscriptions)
        return replace(self, subscriptions=tuple(one for one in decided if one is not None))

    @property
    def client_subscriptions(self) -> tuple[Subscription, ...]:
        """The approved ones, as its keys have them."""
        return tuple(Subscription(one.api, one.tier) for one in self._approved)

    @property
    def subscribed_scopes(self) -> tuple[str, ...]:
        """The scopes that come with approved ones, each once."""
        return tuple(dict.fromkeys(scope for one in self._approved for scope in one.scopes))

    @property
    def _approved(self) -> tuple[ApiSubscription, ...]:
        return tuple(one for one in self.subscriptions if one.state == "approved")

    def client_id(self, environment: Environment) -> str | None:
        """The client id of the keys of an environment; None before they are generated."""
        return self.production if environment == "production" else self.sandbox

    def keys(self, environment: str = "") -> Iterator[tuple[Environment, str]]:
        """The environments that have keys, with their client ids; only the one that is named, if one is."""
        for name in ENVIRONMENTS:
            client_id = self.client_id(name)
            if client_id is not None and environment in ("", name):
                yield name, client_id

    @property
    def client_ids(self) -> tuple[str, ...]:
        """The client ids of all its keys."""
        return tuple(client_id for _, client_id in self.keys())
