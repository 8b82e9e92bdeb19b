"""Applications that are loaded with their first request, so that they do not delay the start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from yarl import URL

Build = Callable[[], Mapping[str, web.Application]]
"""Makes the applications, by the path they are mounted at."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LazyApp:
    """Hands requests on to applications. The first request builds them, in a thread."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._lock = asyncio.Lock()
        self._runner: web.AppRunner | None = None

    def beneath(self, base: str) -> Handler:
        """Answers requests whose paths begin with `base`, which the applications do not know of."""

        async def handle(request: web.Request) -> web.StreamResponse:
            inner = str(request.rel_url).removeprefix(base)
            return await self._handle(request.clone(rel_url=URL(inner, encoded=True)))

        return handle if base else self.handle

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request for one of the applications."""
        # The request keeps by which route it came here; its copy is matched anew.
        return await self._handle(request.clone())

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        async with self._lock:
            if self._runner is None:
                self._runner = await self._built()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the applications have been stopped")
        return await server.request_handler(request)

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
