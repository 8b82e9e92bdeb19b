"""Refuses calls of clients without a subscription, on routes with `access: request`. Others lack this hook.

Whether a client is subscribed stands in its own record, which each worker caches until the store sends an
invalidation: so no store command is needed, and a subscription that ends does so with the cached record.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from gateway.http.exchange import Exchange
from gateway.http.problems import NOT_SUBSCRIBED, Problem
from gateway.http.route import Route
from gateway.oauth.model import Client, TokenInfo
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin


class SubscriptionGuard(ProxyPlugin):
    """The first hook behind the token check: limits don't count whom it refuses."""

    def __init__(self, api: str, portal: str, context: PluginContext) -> None:
        """`api`: its name. `portal`: where developers ask for a subscription; empty: nowhere."""
        super().__init__(PluginConfig(), context)
        self.api = api
        self._portal = portal
        self._last: tuple[TokenInfo, TokenInfo] | None = None
        """The last token that got another tier, and what it became: programs call again and again."""

    def on_authorized(self, exchange: Exchange) -> Awaitable[None] | None:
        """Refuses a client that is not subscribed; one whose subscription has a tier gets its limits."""
        token, clients = exchange.token, self.context.registered
        if token is None or clients is None:
            raise self._refusal("")
        client = clients.known(token.client)
        if client is None:
            return self._looked_up(exchange, token)
        self._judge(exchange, token, client)
        return None

    async def _looked_up(self, exchange: Exchange, token: TokenInfo) -> None:
        clients = self.context.registered
        self._judge(exchange, token, None if clients is None else await clients.find(token.client))

    def _judge(self, exchange: Exchange, token: TokenInfo, client: Client | None) -> None:
        subscription = None if client is None else client.subscription(self.api)
        if subscription is None:
            raise self._refusal(token.client)
        if subscription.tier and subscription.tier != token.tier:
            last = self._last
            if last is None or last[0] is not token or last[1].tier != subscription.tier:
                last = self._last = (token, replace(token, tier=subscription.tier))
            exchange.token = last[1]

    def _refusal(self, client: str) -> Problem:
        where = f" Ask for one at {self._portal}." if self._portal else " The gateway's operator grants them."
        detail = f"This API needs a subscription.{where}"
        who = f"the client {client}" if client else "the caller"
        reason = f"{who} has no approved subscription to the API {self.api}"
        return Problem(NOT_SUBSCRIBED, detail, reason=reason)

    def lacks_in_file(self, token: TokenInfo) -> str:
        """Why a client of the file may not call the API, by the configuration alone; empty: it may."""
        client = self.context.clients.find(token.client)
        if client is None or client.subscription(self.api) is not None:
            # Of a client of the store, the store knows.
            return ""
        return f"the client {token.client} has no subscription to the API {self.api}"

    def summary(self) -> str:
        """For `gatepost explain`."""
        return f"SubscriptionGuard ({self.api})"


def subscription_guard_of(route: Route) -> SubscriptionGuard | None:
    """The route's guard; None: it is open to every client whose token suffices."""
    hooks: tuple[Any, ...] = route.pipeline.on_authorized
    return next((hook.__self__ for hook in hooks if isinstance(hook.__self__, SubscriptionGuard)), None)
