"""Which audience a token is for (RFC 8707)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from gateway.oauth.errors import OAuthError


def is_resource(text: str) -> bool:
    """RFC 8707 section 2: an absolute URI without a fragment."""
    if "#" in text or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))


def granted_audience(requested: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    """The audience of a token: what was asked for, else all that the client may have.

    Raises:
        OAuthError: `invalid_target` for a malformed resource, or one that is not this client's.
    """
    if not requested:
        return tuple(allowed)
    if not all(is_resource(resource) for resource in requested):
        raise OAuthError("invalid_target", "resource must be an absolute URI without a fragment.")
    if any(resource not in allowed for resource in requested):
        raise OAuthError("invalid_target", "The client may not have a token for this resource.")
    return tuple(dict.fromkeys(requested))
