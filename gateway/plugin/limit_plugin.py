"""What plugins that limit requests have in common: whose requests count together, and in which phase."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from gateway.plugin import Exchange, LimitPart, PluginContext, ProxyPlugin, Subject


class LimitPlugin(ProxyPlugin):
    """Counts each request once. Its `Config` has `by`; a subclass says in `count` what counting means."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.subject = Subject(config.by)
        self.idle = self.subject.idle

    async def start(self) -> None:
        """From now on the limits are settled with the store in the background."""
        await self.context.limits.start()

    async def stop(self) -> None:
        """Leases go back to the store."""
        await self.context.limits.stop()

    def count(self, exchange: Exchange) -> Awaitable[None] | None:
        """Counts a request. The result must be awaited where only the store can tell whether there is room.

        Raises:
            Problem: 429, the limit is reached.
        """
        raise NotImplementedError

    def client_parts(self, tier: str | None) -> tuple[LimitPart, ...]:
        """The windows in which requests of a client with this tier count now; empty: it does not count what
        each client sends in a time.
        """
        return ()

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Counts before the token is checked, where the client need not be known."""
        return None if self.subject.needs_caller else self.count(exchange)

    def on_authorized(self, exchange: Exchange) -> Awaitable[None] | None:
        """Counts where the limit goes by client; on an open route it goes by address."""
        return self.count(exchange) if self.subject.needs_caller else None
