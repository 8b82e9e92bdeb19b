"""Chooses the server for a request among those that can take one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import ceil

from gateway.upstream.balancing_policies import BALANCERS
from gateway.upstream.errors import UpstreamOverloaded, UpstreamUnavailable
from gateway.upstream.retries import RetryBudget
from gateway.upstream.server import UpstreamServer
from gateway.upstream.settings import UpstreamSettings


class LoadBalancer:
    """An upstream's servers, and how requests are distributed among them."""

    def __init__(self, servers: Sequence[UpstreamServer], settings: UpstreamSettings) -> None:
        self._policy = BALANCERS[settings.balance]
        self._adaptive = settings.adaptive_concurrency is not None
        self.replace_servers(servers)
        self.retries = settings.retries
        self.retried_statuses = frozenset(int(name) for name in settings.retries.on if name.isdecimal())
        self.budget = RetryBudget()
        self._retry_interval = settings.health.interval if settings.health is not None else 1.0
        self._loop = asyncio.get_running_loop()

    def replace_servers(self, servers: Sequence[UpstreamServer]) -> None:
        """From now on requests go to these."""
        self.servers = tuple(servers)
        self._only = self.servers[0] if len(self.servers) == 1 and not self._adaptive else None
        # A new one: nothing of servers that are gone stays.
        self._balancer = self._policy()
        self._priorities = len({server.priority for server in self.servers}) > 1

    def choose(
        self, key: bytes = b"", avoid: UpstreamServer | None = None, wanted: str | None = None
    ) -> UpstreamServer:
        """The server for a request.

        Args:
            key: the value that `balance: hash` hashes.
            avoid: the server that has just failed this request; taken again only if there is no other.
            wanted: the name of the server to take if it can be taken.

        Raises:
            UpstreamUnavailable: none can take it.
        """
        only = self._only
        if only is not None and only.health.healthy and only.health.breaker.calm:
            return only
        return self._choose_among_all(key, avoid, wanted)

    def _choose_among_all(
        self, key: bytes, avoid: UpstreamServer | None, wanted: str | None
    ) -> UpstreamServer:
        now = self._loop.time()
        usable = [server for server in self.servers if server.health.available(now)]
        if self._priorities and usable:
            first = min(server.priority for server in usable)
            usable = [server for server in usable if server.priority == first or server.name == wanted]
        if avoid is not None and len(usable) > 1:
            usable = [server for server in usable if server is not avoid]
        if not usable:
            raise UpstreamUnavailable(self._why_none(now), self._retry_after(now))
        if self._adaptive:
            usable = _with_room(usable, now)
        if len(usable) == 1:
            return usable[0]
        for server in usable:
            if server.name == wanted:
                return server
            server.health.update_share(now)
        return self._balancer.pick(usable, key)

    def _retry_after(self, now: float) -> int:
        waits = [
            server.health.breaker.retry_after(now) or self._retry_interval
            for server in self.servers
            if server.health.healthy
        ]
        # What is left of 60 s may be 60.00000000001.
        return max(1, ceil(round(min(waits, default=self._retry_interval), 3)))

    def _why_none(self, now: float) -> str:
        """Why no server can take a request: each with its reason."""
        if not self.servers:
            return "no server available (DNS names none)"
        reasons = []
        for server in self.servers:
            breaker = server.health.breaker
            if not server.health.healthy:
                reason = "failed its health checks"
            else:
                left = breaker.retry_after(now)
                wait = f"next attempt in {left:.1f} s" if left else "an attempt is being made"
                reason = f"circuit breaker open: {breaker.failures} failures in a row, {wait}"
            reasons.append(f"{server.name}: {reason}")
        return f"no server available ({'; '.join(reasons)})"


def _with_room(servers: list[UpstreamServer], now: float) -> list[UpstreamServer]:
    """Those that may be sent one more request. UpstreamOverloaded: there are none."""
    found = [one for one in servers if one.concurrency is None or one.concurrency.has_room(now)]
    if found:
        return found
    limits = []
    for server in servers:
        if server.concurrency is not None:
            server.concurrency.refuse()
            limits.append(f"{server.name}: {server.concurrency.limit}")
    raise UpstreamOverloaded(f"as many requests wait for responses as may ({'; '.join(limits)})")
