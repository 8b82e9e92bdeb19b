"""Server and resource metadata. Built from the configuration only, never from a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.assembly.routes import literal_host, origin, resource_path
from gateway.assembly.shared_sets import SharedSets
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.http.endpoints import AUTHORIZE, JWKS, GatewayPaths
from gateway.http.origins import AllowedOrigins
from gateway.http.route_target import literal_prefix, segments_of
from gateway.jose.signatures import ALGORITHMS
from gateway.oauth.client_auth import METHODS, TLS_METHODS
from gateway.oauth.metadata import Members, Resource, ResourceKey, resource_metadata, server_metadata
from gateway.oauth.resource import RouteResource
from gateway.runtime.give_way import giving_way


def authorization_server_metadata(
    settings: Settings, grants: Iterable[str], further: Mapping[str, object] | None = None
) -> Members:
    """RFC 8414 metadata. `further`: members of optional features; empty values are omitted."""
    scopes = settings.scopes
    own = [scopes.application] if scopes.application is not None else []
    return server_metadata(
        settings.server.public_url,
        _endpoints(settings.paths),
        grants=grants,
        auth_methods=auth_methods(settings),
        scopes=[*scopes.default, *own, *settings.every_scope],
        further={**_assertions(), **_bindings(settings), **_introspection(settings), **(further or {})},
        configured=settings.metadata,
    )


def protected_resource_metadata(
    settings: Settings, further: Mapping[str, object] | None = None
) -> Mapping[ResourceKey, Resource]:
    """RFC 9728 metadata, by host (None unless the route has a literal one) and path segments.

    The gateway as a whole has no path segments. Paths with unprotected routes only are not listed.
    """
    return _ResourceMetadata(settings, {**_bindings(settings), **(further or {})})


class _ResourceMetadata(Mapping[ResourceKey, Resource]):
    """Makes a document when it is asked for: there may be as many as routes."""

    def __init__(self, settings: Settings, members: Members) -> None:
        self._settings = settings
        self._members = members
        self._routes: dict[ResourceKey, tuple[RouteSettings, ...]] = {(None, ()): ()}
        for route in giving_way(settings.routes):
            if route.enabled and route.auth == "bearer":
                key = literal_host(route.host), segments_of(literal_prefix(route.path))
                self._routes[key] = (*self._routes.get(key, ()), route)

    def __getitem__(self, key: ResourceKey) -> Resource:
        routes, issuer = self._routes[key], self._settings.server.public_url
        root = origin(issuer, key[0])
        path = resource_path(literal_prefix(routes[0].path)) if routes else ""
        servers = [server for route in routes for server in _servers(route, self._settings)]
        scopes = [scope for route in routes for scope in route.every_scope]
        document = resource_metadata(
            root + path, list(dict.fromkeys(servers or [issuer])), scopes, self._members
        )
        return Resource(root, document, any(_has_paths_below(route) for route in routes))

    def __iter__(self) -> Iterator[ResourceKey]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)


def _has_paths_below(route: RouteSettings) -> bool:
    return route.match == "prefix" or route.is_template


def _servers(route: RouteSettings, settings: Settings) -> list[str]:
    own = [settings.server.public_url] if route.own_tokens else []
    # A platform gives tokens to its own workloads only: no client can ask it for one.
    others = [settings.issuers[name] for name in route.issuers]
    return [*own, *(one.issuer for one in others if one.preset is None)]


def _endpoints(paths: GatewayPaths) -> dict[str, str]:
    registration = {"registration_endpoint": paths.register[0]} if paths.register else {}
    return registration | {
        "token_endpoint": paths.token[0],
        "revocation_endpoint": paths.revoke[0],
        "introspection_endpoint": paths.introspect[0],
        "jwks_uri": JWKS,
        # Some clients, the MCP SDKs among them, reject metadata without it even if they never use it.
        "authorization_endpoint": AUTHORIZE,
    }


def route_resources(settings: Settings) -> tuple[RouteResource, ...]:
    """The protected resources of the metadata, with the scopes their routes require."""
    issuer, sets = settings.server.public_url, SharedSets()
    return (
        RouteResource(issuer, frozenset(), below=False),
        *(
            RouteResource(
                origin(issuer, literal_host(route.host)) + resource_path(route.path),
                sets.of(route.scopes),
                below=_has_paths_below(route),
            )
            for route in giving_way(settings.routes)
            if route.enabled and route.auth == "bearer"
        ),
    )


def allowed_origins(settings: Settings) -> AllowedOrigins:
    """Origins allowed by CORS at the OAuth endpoints."""
    of_clients = [origin for client in giving_way(settings.clients) for origin in client.origins]
    return AllowedOrigins((*settings.server.cors.origins, *of_clients))


def auth_methods(settings: Settings) -> list[str]:
    """The client authentication methods that can be used."""
    return [method for method in METHODS if method not in TLS_METHODS or sees_certificates(settings)]


def sees_certificates(settings: Settings) -> bool:
    """Whether client certificates are accepted: by a listener, or forwarded by a trusted proxy."""
    listener_requests = any(
        files.client_ca for one in settings.server.for_clients for files in one.certificates.values()
    )
    return listener_requests or bool(settings.server.trusted_proxies)


def _assertions() -> Members:
    """RFC 8414 section 2: private_key_jwt requires the signing algorithms, which must not include `none`."""
    endpoints = ("token", "revocation", "introspection")
    return {f"{name}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS) for name in endpoints}


def _introspection(settings: Settings) -> Members:
    """RFC 9701 section 7: what introspection responses can be signed with."""
    signing = settings.tokens.signing
    # Of keys from files, the files say it.
    return {} if signing.keys else {"introspection_signing_alg_values_supported": [signing.algorithm]}


def _bindings(settings: Settings) -> Members:
    """RFC 8705 section 3.3, RFC 9449 section 5.1; for resources RFC 9728 section 2."""
    return {
        "tls_client_certificate_bound_access_tokens": sees_certificates(settings),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
