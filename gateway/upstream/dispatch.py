"""Chooses the server for a request, among those that can take one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import ceil

from gateway.upstream.balance import BALANCERS
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.retries import RetryBudget
from gateway.upstream.server import Server
from gateway.upstream.settings import UpstreamSettings


class Dispatcher:
    """An upstream's servers, and how requests are shared among them."""

    def __init__(self, servers: Sequence[Server], settings: UpstreamSettings) -> None:
        self.servers = tuple(servers)
        self.retries = settings.retries
        self.retried_statuses = frozenset(int(name) for name in settings.retries.on if name.isdecimal())
        self.budget = RetryBudget()
        self._only = self.servers[0] if len(self.servers) == 1 else None
        self._balancer = BALANCERS[settings.balance]()
        self._pause = settings.health.interval if settings.health is not None else 1.0
        self._loop = asyncio.get_running_loop()

    def choose(self, key: bytes = b"", avoid: Server | None = None) -> Server:
        """The server for a request.

        Args:
            key: what `balance: hash` goes by.
            avoid: the server that has just failed this request; taken again only if there is no other.

        Raises:
            UpstreamUnavailable: none can take it.
        """
        only = self._only
        if only is not None and only.condition.healthy and only.condition.breaker.calm:
            return only
        now = self._loop.time()
        fit = [server for server in self.servers if server.condition.available(now)]
        if avoid is not None and len(fit) > 1:
            fit = [server for server in fit if server is not avoid]
        if not fit:
            raise UpstreamUnavailable("no server is healthy and ready", self._retry_after(now))
        if len(fit) == 1:
            return fit[0]
        for server in fit:
            server.condition.warm_up(now)
        return self._balancer.pick(fit, key)

    def _retry_after(self, now: float) -> int:
        rests = [
            server.condition.breaker.rests_for(now) or self._pause
            for server in self.servers
            if server.condition.healthy
        ]
        return max(1, ceil(min(rests, default=self._pause)))
