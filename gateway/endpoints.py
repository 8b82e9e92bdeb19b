"""The paths that the gateway answers itself. No route can take them."""

from __future__ import annotations

TOKEN = "/token"  # noqa: S105 (a path)
REVOKE = "/revoke"
INTROSPECT = "/introspect"
JWKS = "/jwks"
SERVER_METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
PORTAL = "/portal"

SERVED = (TOKEN, REVOKE, INTROSPECT, JWKS, SERVER_METADATA, RESOURCE_METADATA)
"""Those that are served exactly at their path."""


def is_endpoint(segments: tuple[str, ...]) -> bool:
    """Whether a path, given as its decoded segments, belongs to the gateway."""
    path = "/" + "/".join(segments)
    # RFC 9728 section 3.1: a resource's path stands behind the well-known part.
    return path in (*SERVED, PORTAL) or path.startswith((RESOURCE_METADATA + "/", PORTAL + "/"))


_FIRST_SEGMENTS = frozenset({"token", "revoke", "introspect", "jwks", ".well-known", "portal"})


def is_own(segments: tuple[str, ...]) -> bool:
    """Whether a path may be the gateway's own: cheaper than `is_endpoint`, and in doubt true."""
    return segments[0] in _FIRST_SEGMENTS
