"""What logged requests did not use: routes, scopes and grants of clients. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.http.problems import Problem
from gateway.http.route import Route
from gateway.proxy.explain import example_head
from gateway.proxy.replay import MAX_REMEMBERED, NOBODY, Fared
from gateway.proxy.route_table import RouteTable

RouteIdentity = tuple[str, str | None, bool, tuple[str, ...]]
"""Path, host, whether it is exact, and methods."""


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client of the configuration."""

    id: str
    scopes: Sequence[str]
    grants: Sequence[str]


@dataclass(slots=True)
class ClientUse:
    """What one client did."""

    requests: int = 0
    scopes: set[str] = field(default_factory=set)
    """Those that the routes required to which its requests went."""
    grants: set[str] = field(default_factory=set)


class UseSeen:
    """Collects from logged requests what is in use. Its memory is bounded by the configuration."""

    def __init__(self, routes: RouteTable, clients: Sequence[KnownClient]) -> None:
        self._routes = routes
        self._matched: dict[tuple[str, str, str], Route | None] = {}
        self.clients = {client.id: ClientUse() for client in clients}
        self.routes: set[RouteIdentity] = set()
        self.grants: set[str] = set()
        self.grants_told = False
        """Whether a line named a grant: older logs have none."""

    def add(self, request: Fared, grant: str | None) -> None:
        """Takes one request. `grant`: that of a token request, where the line names it."""
        use = self.clients.get(request.client)
        if use is not None:
            use.requests += 1
        if grant is not None:
            self.grants_told = True
            self.grants.add(grant)
            if use is not None:
                use.grants.add(grant)
        route = None if request.route == NOBODY else self._match(request)
        if route is not None:
            self.routes.add((route.path, route.host, route.exact, route.methods))
            if use is not None and request.passed:
                use.scopes |= route.scopes

    def _match(self, request: Fared) -> Route | None:
        key = (request.method, request.path, request.host)
        if key not in self._matched:
            if len(self._matched) >= MAX_REMEMBERED:
                self._matched.clear()
            self._matched[key] = self._find(*key)
        return self._matched[key]

    def _find(self, method: str, path: str, host: str) -> Route | None:
        try:
            head = example_head(method, f"https://{host or 'localhost'}{path}")
            return None if self._routes.is_endpoint(head) else self._routes.match(head)
        except Problem:
            return None

    def unused_scopes(self, client: KnownClient, required: frozenset[str]) -> list[str]:
        """Those of its scopes that a route requires, but none to which its requests went.

        `required`: all scopes that routes require.
        """
        used = self.clients[client.id].scopes
        return [scope for scope in client.scopes if scope in required and scope not in used]

    def unused_grants(self, client: KnownClient) -> list[str]:
        """Those of its grants by which it got no token."""
        used = self.clients[client.id].grants
        return [grant for grant in client.grants if grant not in used]
