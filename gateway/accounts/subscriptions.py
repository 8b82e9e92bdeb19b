"""Subscriptions of applications to APIs: asked for by developers, decided by publishers and administrators.

What is approved stands in the application's record and, from the same step on, in those of its keys, by which
requests are judged (`gateway.proxy.subscription_guard`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from gateway.accounts.registry import ClientRegistry
from gateway.clock import Clock
from gateway.oauth.api_subscription import ApiSubscription, SubscriptionRefused, approved, ended, refused
from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.store import ApplicationStore
from gateway.translation.text import gettext

Check = Callable[[ApiSubscription], None]
MAX_SUBSCRIPTIONS = 50
"""Of one application, so that its keys' records stay small enough to be cached."""


@dataclass(frozen=True, slots=True)
class SubscriptionWish:
    """What a developer asks for."""

    api: str
    scopes: tuple[str, ...] = ()
    tier: str = ""
    note: str = ""


def _anything(_: ApiSubscription) -> None:
    """Whatever it is."""


class ApiSubscriptions:
    """Every method raises StoreUnavailable unless the store has answered, and SubscriptionRefused where the
    subscription is no longer what it was.
    """

    def __init__(
        self,
        store: ApplicationStore,
        registry: ClientRegistry,
        clock: Clock,
        own_scopes: Collection[str],
    ) -> None:
        """`own_scopes`: those that developers may give their keys without asking."""
        self._store = store
        self._registry = registry
        self._clock = clock
        self._own_scopes = frozenset(own_scopes)

    async def ask(self, application: Application, wish: SubscriptionWish, by: str) -> ApiSubscription:
        """Asks for a subscription. It waits for a decision."""
        made = ApiSubscription(wish.api, "pending", wish.scopes, wish.tier, wish.note, int(self._clock()), by)

        def asked(one: Application) -> Application:
            before = one.subscription(wish.api)
            if before is not None and before.holds:
                raise SubscriptionRefused(
                    gettext("The application has asked for %(api)s already.", api=wish.api)
                )
            others = tuple(each for each in one.subscriptions if each.api != wish.api)
            if len(others) >= MAX_SUBSCRIPTIONS:
                raise SubscriptionRefused(
                    gettext(
                        "An application has %(most)s subscriptions at the most: withdraw one.",
                        most=MAX_SUBSCRIPTIONS,
                    )
                )
            return replace(one, subscriptions=(*others, made))

        await self._store.update(application.id, asked, event="subscription.request", of=_named(wish.api))
        return made

    async def approve(
        self, application: Application, api: str, by: str, note: str, tier: str, check: Check = _anything
    ) -> Application:
        """Lets the application's keys call the API, with the scopes that were asked for.

        `check` sees what is decided of, in the same step, and may raise; so for the others.
        """
        now = int(self._clock())
        return await self._decide(
            application, api, "approve", lambda one: approved(one, by, note, tier, now), check
        )

    async def refuse(
        self, application: Application, api: str, by: str, note: str, check: Check = _anything
    ) -> Application:
        """Refuses what was asked for."""
        now = int(self._clock())
        return await self._decide(application, api, "refuse", lambda one: refused(one, by, note, now), check)

    async def end(
        self, application: Application, api: str, by: str, note: str, check: Check = _anything
    ) -> Application:
        """Ends an approved subscription at once. Its application still shows it."""
        now = int(self._clock())
        return await self._decide(application, api, "end", lambda one: ended(one, by, note, now), check)

    async def withdraw(self, application: Application, api: str, check: Check = _anything) -> Application:
        """Removes a subscription in whatever state. One that was approved ends at once."""
        return await self._decide(application, api, "withdraw", lambda _: None, check)

    async def _decide(
        self,
        application: Application,
        api: str,
        event: str,
        decide: Callable[[ApiSubscription], ApiSubscription | None],
        check: Check,
    ) -> Application:
        was, now = application, application

        def checked(one: ApiSubscription) -> ApiSubscription | None:
            check(one)
            return decide(one)

        def decided(one: Application) -> Application:
            nonlocal was, now
            was, now = one, one.with_subscription(api, checked)
            return now

        changed = await self._store.update(
            application.id,
            decided,
            change_client=lambda client: self._onto(client, was, now),
            event=f"subscription.{event}",
            of=_named(api),
            ends=event in ("end", "withdraw"),
        )
        if self._taken(was, now):
            # A live token would still have the scopes, wherever else they open a route.
            for client_id in changed.client_ids:
                await self._registry.revoke_tokens(client_id)
        return changed

    def _onto(self, client: Client, was: Application, now: Application) -> Client:
        """The keys with what the application is subscribed to now, and the scopes of that."""
        kept = (scope for scope in client.scopes if scope not in self._taken(was, now))
        given = (scope for scope in now.subscribed_scopes if scope not in was.subscribed_scopes)
        scopes = tuple(dict.fromkeys((*kept, *given)))
        return replace(client, subscriptions=now.client_subscriptions, scopes=scopes)

    def _taken(self, was: Application, now: Application) -> frozenset[str]:
        """The scopes that the keys had by a subscription alone, which is over."""
        return frozenset(was.subscribed_scopes) - frozenset(now.subscribed_scopes) - self._own_scopes


def _named(api: str) -> Callable[[Application], ApiSubscription | None]:
    return lambda application: application.subscription(api)
