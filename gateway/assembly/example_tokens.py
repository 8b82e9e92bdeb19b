"""The token a client of gateway.yaml would get, computed without the token endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from gateway.assembly.clients import file_clients
from gateway.assembly.grants import scope_rules
from gateway.assembly.metadata import route_resources
from gateway.config.model import Settings
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.resource import RouteResource, reachable_resources
from gateway.runtime.give_way import giving_way, let_go


def example_token(settings: Settings, client_id: str, scopes: Sequence[str] | None = None) -> TokenInfo | str:
    """An active token of the client, or the reason why it gets none.

    `scopes`: the requested scopes; None requests all that the client may have.
    """
    client = next((one for one in file_clients(settings.clients) if one.id == client_id), None)
    if client is None:
        return f"there is no client {client_id} in the file"
    return _token(client, settings, scopes, _OwnAudiences(settings))


def example_tokens(settings: Settings) -> dict[str, TokenInfo | str]:
    """For each client of the file, by id: a token with all that it may have, or why it gets none."""
    audiences, clients = _OwnAudiences(settings), file_clients(settings.clients)
    tokens = {client.id: _token(client, settings, None, audiences) for client in giving_way(clients)}
    let_go(clients)
    return tokens


def _token(
    client: Client, settings: Settings, scopes: Sequence[str] | None, audiences: _OwnAudiences
) -> TokenInfo | str:
    if not client.enabled:
        return f"the client {client.id} is not enabled"
    rules = scope_rules(settings.scopes)
    if scopes is None:
        granted = (*client.scopes, *rules.default)
    else:
        try:
            granted = rules.granted(" ".join(scopes) or None, client.scopes, client.default_scopes)
        except OAuthError:
            return f"the client {client.id} may not have all of these scopes: {' '.join(scopes)}"
    if "client_credentials" in client.grants:
        granted = rules.with_application(granted)
    audience = (*client.audiences, *audiences.reachable(client))
    return TokenInfo(client.id, granted, audience, client.id, issued=0, expires=1, grant="")


class _OwnAudiences:
    """Audiences of routes that are resources of the gateway's own."""

    def __init__(self, settings: Settings) -> None:
        named = dict.fromkeys(
            route.audience for route in giving_way(settings.routes) if route.audience is not None
        )
        resources: dict[str, list[RouteResource]] = {}
        for resource in route_resources(settings) if named else ():
            resources.setdefault(resource.identifier, []).append(resource)
        self._rules = scope_rules(settings.scopes)
        self._covering = {audience: list(_covering(audience, resources)) for audience in named}

    def reachable(self, client: Client) -> Iterator[str]:
        """Those for which the client may have a token."""
        for audience, covering in self._covering.items():
            if reachable_resources(covering, self._rules, client.scopes):
                yield audience


def _covering(audience: str, resources: Mapping[str, Sequence[RouteResource]]) -> Iterator[RouteResource]:
    """The resources that an audience is, or that it lies below; `resources` are by their identifier."""
    above = accumulate(audience.split("/"), lambda path, segment: f"{path}/{segment}")
    for identifier in above:
        yield from (one for one in resources.get(identifier, ()) if one.covers(audience))
