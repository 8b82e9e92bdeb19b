"""Applications that are loaded with their first request, so that they do not delay the start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

Build = Callable[[], Mapping[str, web.Application]]
"""Makes the applications, by the path they are mounted at."""


class LazyApp:
    """Hands requests on to applications. The first request builds them, in a thread."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._lock = asyncio.Lock()
        self._runner: web.AppRunner | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request for one of the applications."""
        async with self._lock:
            if self._runner is None:
                self._runner = await self._built()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the applications have been stopped")
        # The request keeps by which route it came here; its copy is matched anew.
        return await server.request_handler(request.clone())

    async def stop(self) -> None:
        """Stops the applications, if there are any yet."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _built(self) -> web.AppRunner:
        parts = await asyncio.to_thread(self._build)
        site = web.Application()
        for place, part in parts.items():
            site.add_subapp(place, part)
        runner = web.AppRunner(site)
        await runner.setup()
        return runner
