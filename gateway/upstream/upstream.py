"""An upstream: a name for some servers that can all answer the same requests."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.http.exchange import TimeoutOverrides
from gateway.runtime.compilation import mypyc_attr
from gateway.upstream.address import parse_server_address
from gateway.upstream.authorized_call import AuthorizedCall
from gateway.upstream.credentials import UpstreamCredentials
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.health_checker import HealthChecker
from gateway.upstream.load_balancer import LoadBalancer
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.response_handler import ResponseHandler
from gateway.upstream.server import UpstreamServer
from gateway.upstream.service_discovery import ServiceDiscovery
from gateway.upstream.service_lookup import ServiceLookup
from gateway.upstream.settings import HealthSettings, Timeouts, UpstreamServerSettings, UpstreamSettings
from gateway.upstream.timed_call import TimedAuthorizedCall, TimedCall
from gateway.upstream.upstream_call import UpstreamCall

_DRAIN_STEP: Final = 0.02  # seconds between looks at what is still in flight


@mypyc_attr(allow_interpreted_subclasses=True)
class Upstream:
    """Sends requests to its servers. `start` it first; `stop` it last."""

    def __init__(
        self,
        name: str,
        settings: UpstreamSettings,
        *,
        lookup: Lookup = look_up,
        credentials: UpstreamCredentials | None = None,
        service_lookup: ServiceLookup | None = None,
        timed: bool = False,
    ) -> None:
        """`service_lookup` finds the servers of URLs that name SRV records. `timed`: each request's times are
        told to handlers that keep them (`TimesKeeper`).
        """
        self.name = name
        self._call: type[UpstreamCall] = TimedCall if timed else UpstreamCall
        self._authorized_call: type[AuthorizedCall] = TimedAuthorizedCall if timed else AuthorizedCall
        self._service_lookup = service_lookup
        self._discovered: dict[str, tuple[UpstreamServer, ...]] = {}
        self._leaving: list[UpstreamServer] = []
        self._discoveries: list[asyncio.Task[None]] = []
        self._credentials = credentials
        self.settings = settings
        self._own_timeouts: tuple[TimeoutOverrides, Timeouts] | None = None
        """The last ones of a request's own, and what has become of them."""
        self._lookup = lookup
        self.servers: tuple[UpstreamServer, ...] = ()
        """Known once it is started."""
        self._balancer: LoadBalancer | None = None
        self._checks: dict[UpstreamServer, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Makes ready; opens no connection yet.

        Raises:
            ValueError: a server's URL is wrong, or its path differs from the others'.
            OSError: a TLS file can't be used.
        """
        settings = self.settings
        addresses = [parse_server_address(server.url) for server in settings.servers]
        if len({address.base_path for address in addresses}) > 1:
            raise ValueError(f"the servers of {self.name} must have the same path in their URLs")
        self._balancer = LoadBalancer((), settings)
        for server, address in zip(settings.servers, addresses, strict=True):
            if address.service:
                await self._follow(server)
            else:
                self._take(server.url, (server,))

    async def _follow(self, service: UpstreamServerSettings) -> None:
        """Asks for the servers of a service, now and from time to time."""
        if self._service_lookup is None:
            raise ValueError(f"{service.url}: SRV records can't be looked up here")
        discovery = ServiceDiscovery(
            service, self._service_lookup, lambda servers: self._take(service.url, servers)
        )
        delay = await discovery.refresh()
        self._discoveries.append(asyncio.get_running_loop().create_task(discovery.run(delay)))

    def _take(self, url: str, settings: tuple[UpstreamServerSettings, ...]) -> None:
        """Has these servers in place of those that the URL stood for. One that stays keeps its state."""
        known = {server.settings: server for server in self._discovered.get(url, ())}
        servers = []
        for one in settings:
            kept = known.pop(one, None)
            servers.append(
                kept if kept is not None else UpstreamServer(one, self.settings, lookup=self._lookup)
            )
        self._discovered[url] = tuple(servers)
        self.servers = tuple(server for servers in self._discovered.values() for server in servers)
        for server in known.values():
            server.close()
        self._leaving = [server for server in (*self._leaving, *known.values()) if server.active]
        if self._balancer is not None:
            self._balancer.replace_servers(self.servers)
        self._check_health()

    def _check_health(self) -> None:
        """Checks the servers that there are, and no others."""
        if self.settings.health is None:
            return
        for server in self._checks.keys() - set(self.servers):
            self._checks.pop(server).cancel()
        for server in self.servers:
            if server not in self._checks:
                self._checks[server] = _check(server, self.settings.health, self._credentials)

    async def stop(self, drain: float = 0.0) -> None:
        """Takes no more requests, waits up to `drain` seconds for those in flight, then ends them."""
        for task in (*self._discoveries, *self._checks.values()):
            task.cancel()
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + drain
        while self.active and loop.time() < until:  # noqa: ASYNC110 (an event would cost every request)
            await asyncio.sleep(_DRAIN_STEP)
        for server in (*self.servers, *self._leaving):
            server.close(at_once=True)
        if self._credentials is not None:
            await self._credentials.stop()

    @property
    def active(self) -> int:
        """Requests in flight."""
        return sum(server.active for server in (*self.servers, *self._leaving))

    def timeouts_for(self, own: TimeoutOverrides) -> Timeouts:
        """The timeouts, but for what one request says of its own. All requests of a route say the same."""
        known = self._own_timeouts
        if known is None or known[0] is not own:
            known = self._own_timeouts = own, self.settings.timeouts.for_one(own)
        return known[1]

    def begin(self, handler: ResponseHandler, request: UpstreamRequest) -> UpstreamCall:
        """Sends a request, without waiting; `handler` hears of the answer, never before this returns.

        Where a body follows, it comes by the call's `write` and `write_end`, from `resume_writing` on.

        Raises:
            UpstreamUnavailable: there is nobody to send it to; the sink hears nothing.
        """
        if self._balancer is None:
            raise UpstreamUnavailable("not started")
        self._balancer.budget.earn()
        if request.copy is not None:
            request.copy.begin()
        if self._credentials is not None:
            authorized = self._authorized_call(self._balancer, handler, request, self._credentials)
            authorized.begin()
            return authorized
        call = self._call(self._balancer, handler, request)
        session = request.session
        call.go_to(self._balancer.choose(request.key, None, None if session is None else session.wanted))
        return call


def _check(
    server: UpstreamServer, settings: HealthSettings, credentials: UpstreamCredentials | None
) -> asyncio.Task[None]:
    connector = server.connector_to(settings.port)
    checker = HealthChecker(settings, server.address, connector, server.on_health_check, credentials)
    return asyncio.get_running_loop().create_task(checker.run())
