"""The token a client of gateway.yaml would get, computed without the token endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.assembly.clients import file_clients
from gateway.assembly.grants import scope_rules
from gateway.assembly.metadata import route_resources
from gateway.config.model import Settings
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.resource import reachable_resources


def example_token(settings: Settings, client_id: str, scopes: Sequence[str] | None = None) -> TokenInfo | str:
    """An active token of the client, or the reason why it gets none.

    `scopes`: the requested scopes; None requests all that the client may have.
    """
    client = next((one for one in file_clients(settings.clients) if one.id == client_id), None)
    if client is None:
        return f"there is no client {client_id} in the file"
    return _token(client, settings, scopes)


def example_tokens(settings: Settings) -> dict[str, TokenInfo | str]:
    """For each client of the file, by id: a token with all that it may have, or why it gets none."""
    return {client.id: _token(client, settings, None) for client in file_clients(settings.clients)}


def _token(client: Client, settings: Settings, scopes: Sequence[str] | None) -> TokenInfo | str:
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
    audience = (*client.audiences, *_reachable_audiences(client, settings))
    return TokenInfo(client.id, granted, audience, client.id, issued=0, expires=1, grant="")


def _reachable_audiences(client: Client, settings: Settings) -> Iterator[str]:
    """Audiences of routes that are resources of the gateway's own, for which the client may have a token."""
    rules = scope_rules(settings.scopes)
    reachable = reachable_resources(route_resources(settings), rules, client.scopes)
    for route in settings.routes:
        if route.audience is not None and any(one.covers(route.audience) for one in reachable):
            yield route.audience
