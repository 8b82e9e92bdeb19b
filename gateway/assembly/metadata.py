"""The metadata documents, from gateway.yaml alone: nothing of a request gets into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.assembly.routes import resource_path
from gateway.config.model import Settings
from gateway.config.server import TlsFiles
from gateway.endpoints import INTROSPECT, JWKS, REVOKE, TOKEN
from gateway.oauth.client_auth import METHODS, TLS_METHODS
from gateway.oauth.metadata import Members, resource_metadata, server_metadata
from gateway.proxy.routes import segments_of
from gateway.signatures import ALGORITHMS

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
        auth_methods=[way for way in METHODS if way not in TLS_METHODS or sees_certificates(settings)],
        scopes=[*scopes.default, *own, *public],
        further={**_assertions(), **_bindings(settings), **(further or {})},
    )


def about_the_resources(
    settings: Settings, further: Mapping[str, object] | None = None
) -> dict[tuple[str, ...], Members]:
    """RFC 9728, by the segments of the route's path; the gateway as a whole by none.

    A path whose routes are all open to everybody is no protected resource.
    """
    issuer = settings.server.public_url
    members = {**_bindings(settings), **(further or {})}
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
            issuer + resource_path(path), list(dict.fromkeys(servers[path])), names, members
        )
        for path, names in scopes.items()
    }


def sees_certificates(settings: Settings) -> bool:
    """Whether clients can show TLS certificates: at a listener, or to a proxy that tells of them."""
    asked = any(isinstance(one.tls, TlsFiles) and one.tls.client_ca for one in settings.server.listen)
    return asked or bool(settings.server.trusted_proxies)


def _assertions() -> Members:
    """RFC 8414 section 2: with private_key_jwt the algorithms must be told, and `none` is not one."""
    endpoints = ("token", "revocation", "introspection")
    return {f"{name}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS) for name in endpoints}


def _bindings(settings: Settings) -> Members:
    """RFC 8705 section 3.3, RFC 9449 section 5.1; for resources RFC 9728 section 2."""
    return {
        "tls_client_certificate_bound_access_tokens": sees_certificates(settings),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
