"""A plugin that waits, as one that asks something elsewhere does."""

from __future__ import annotations

import asyncio

from gateway.plugin import Exchange, ProxyPlugin, Response


class AsyncHook(ProxyPlugin):
    """Gives way to others once."""

    async def on_authorized(self, _: Exchange) -> Response | None:
        """Runs once the token is checked."""
        await asyncio.sleep(0)
        return None
