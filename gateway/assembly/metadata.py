"""The metadata documents, from gateway.yaml alone: nothing of a request gets into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.assembly.routes import resource_path
from gateway.config.model import Settings
from gateway.endpoints import INTROSPECT, JWKS, REVOKE, TOKEN
from gateway.oauth.client_auth import WAYS
from gateway.oauth.metadata import Members, resource_metadata, server_metadata
from gateway.proxy.routes import segments_of

ENDPOINTS = {
    "token_endpoint": TOKEN,
    "revocation_endpoint": REVOKE,
    "introspection_endpoint": INTROSPECT,
    "jwks_uri": JWKS,
}


def about_the_server(
    settings: Settings, grants: Iterable[str], further: Mapping[str, object] | None = None
) -> Members:
    """RFC 8414. `further` are members of what else is switched on; their empty ones are left out."""
    scopes = settings.scopes
    public = [scope for route in settings.routes if route.enabled for scope in route.scopes]
    own = [scopes.application] if scopes.application is not None else []
    return server_metadata(
        settings.server.public_url,
        ENDPOINTS,
        grants=grants,
        auth_methods=[way.__name__ for way in WAYS],
        scopes=[*scopes.default, *own, *public],
        further=further,
    )


def about_the_resources(
    settings: Settings, further: Mapping[str, object] | None = None
) -> dict[tuple[str, ...], Members]:
    """RFC 9728, by the segments of the route's path; the gateway as a whole by none.

    A path whose routes are all open to everybody is no protected resource.
    """
    issuer = settings.server.public_url
    scopes: dict[str, list[str]] = {"/": []}
    servers: dict[str, list[str]] = {"/": [issuer]}
    for route in settings.routes:
        if route.enabled and route.auth == "bearer":
            scopes.setdefault(route.path, []).extend(route.scopes)
            own = [issuer] if route.own_tokens else []
            others = [settings.issuers[name].issuer for name in route.issuers]
            servers.setdefault(route.path, []).extend([*own, *others])
    return {
        segments_of(path): resource_metadata(
            issuer + resource_path(path), list(dict.fromkeys(servers[path])), names, further
        )
        for path, names in scopes.items()
    }
