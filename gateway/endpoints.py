"""The paths that the gateway answers itself. No route can take them."""

from __future__ import annotations

TOKEN = "/token"  # noqa: S105 (a path)
REVOKE = "/revoke"
INTROSPECT = "/introspect"
JWKS = "/jwks"
SERVER_METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"

SERVED = (TOKEN,)
"""Those that are served exactly at their path."""


def is_endpoint(segments: tuple[str, ...]) -> bool:
    """Whether a path, given as its decoded segments, belongs to the gateway."""
    return "/" + "/".join(segments) in SERVED
