"""Which audience a token is for (RFC 8707)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.oauth.errors import OAuthError
from gateway.oauth.scope import ScopeRules


def is_resource(text: str) -> bool:
    """RFC 8707 section 2: an absolute URI without a fragment."""
    if "#" in text or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))


@dataclass(frozen=True, slots=True)
class RouteResource:
    """A protected resource of this gateway, as its metadata names it (RFC 9728)."""

    identifier: str
    scopes: frozenset[str]
    """What the route needs: a client that may ask for all of them may have a token for it."""
    below: bool
    """Whether every path below it is one, too."""

    def covers(self, resource: str) -> bool:
        """Whether a resource that a client names is this one, or lies below it."""
        return resource == self.identifier or (self.below and resource.startswith(self.identifier + "/"))


def reachable_resources(
    resources: Iterable[RouteResource], rules: ScopeRules, client_scopes: Collection[str]
) -> list[RouteResource]:
    """Those whose scopes a client may ask for. `client_scopes`: its own, beside those of every client."""
    own = {*client_scopes, *rules.default, rules.application}
    return [one for one in resources if all(scope in own or rules.is_open(scope) for scope in one.scopes)]


def _identifier(resource: str, reachable: Sequence[RouteResource]) -> str:
    """What metadata calls the resource. RFC 3986 section 6.2.3: a URI without a path is the same with `/`,
    which some libraries add.
    """
    bare = resource.removesuffix("/")
    named = bare != resource and not urlsplit(bare).path and any(one.identifier == bare for one in reachable)
    return bare if named else resource


def granted_audience(
    requested: Sequence[str], allowed: Sequence[str], reachable: Sequence[RouteResource] = ()
) -> tuple[str, ...]:
    """The audience of a token: what was asked for, else all of the client's `allowed` ones.

    `reachable` are resources of the gateway that the client may name without having them among its own.

    Raises:
        OAuthError: `invalid_target` for a malformed resource, or one that is not this client's.
    """
    if not requested:
        return tuple(allowed)
    if not all(is_resource(resource) for resource in requested):
        raise OAuthError("invalid_target", "resource must be an absolute URI without a fragment.")
    requested = [one if one in allowed else _identifier(one, reachable) for one in requested]
    others = [resource for resource in requested if resource not in allowed]
    if not all(any(one.covers(resource) for one in reachable) for resource in others):
        raise OAuthError("invalid_target", "The client may not have a token for this resource.")
    return tuple(dict.fromkeys(requested))
