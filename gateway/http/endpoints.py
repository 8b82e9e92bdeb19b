"""The paths that the gateway answers itself. No route can take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

TOKEN: Final = "/token"  # noqa: S105 (a path)
REVOKE: Final = "/revoke"
INTROSPECT: Final = "/introspect"
REGISTER: Final = "/register"
JWKS: Final = "/jwks"
AUTHORIZE: Final = "/authorize"
SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
OPENID_CONFIGURATION: Final = "/.well-known/openid-configuration"
RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
PORTAL: Final = "/portal"
ACME_CHALLENGES: Final = "/.well-known/acme-challenge"
VERIFY: Final = "/auth/verify"


@dataclass(frozen=True, slots=True)
class GatewayPaths:
    """The gateway's own paths under one configuration.

    Behind another proxy `server.public_url` may have a path. Whether that proxy removes it or not, each
    endpoint answers: at its own path, and with the path of `public_url` in front of it.
    """

    public_url: str = ""
    token: tuple[str, ...] = (TOKEN,)
    revoke: tuple[str, ...] = (REVOKE,)
    introspect: tuple[str, ...] = (INTROSPECT,)
    register: tuple[str, ...] = ()
    """Where clients register; below it, each client has its own registration. Empty: nowhere."""
    acme_challenges: bool = False
    """Whether certificate authorities verify names by HTTP (RFC 8555 section 8.3)."""

    @property
    def base(self) -> str:
        """The path of `public_url`, without a slash at its end; mostly empty."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def origin(self) -> str:
        """`public_url` without its path."""
        return self.public_url.removesuffix(self.base) if self.base else self.public_url

    def with_base(self, *paths: str) -> tuple[str, ...]:
        """Where endpoints of these paths answer."""
        return (*paths, *(self.base + path for path in paths)) if self.base else paths

    @property
    def server_metadata(self) -> tuple[str, ...]:
        """RFC 8414 section 3.1: the well-known part stands between the issuer's host and its path."""
        return (SERVER_METADATA, SERVER_METADATA + self.base) if self.base else (SERVER_METADATA,)

    @property
    def openid_configuration(self) -> tuple[str, ...]:
        """OpenID Connect Discovery section 4 puts it behind the issuer's path, RFC 8414 section 5 before."""
        if not self.base:
            return (OPENID_CONFIGURATION,)
        return (*self.with_base(OPENID_CONFIGURATION), OPENID_CONFIGURATION + self.base)

    @property
    def exact(self) -> tuple[str, ...]:
        """Those that are answered exactly at their path."""
        endpoints = (*self.token, *self.revoke, *self.introspect, *self.register, JWKS, AUTHORIZE)
        return (*self.with_base(*endpoints), *self.server_metadata, *self.openid_configuration)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Those with everything below.

        RFC 9728 section 3.1: a resource's path stands behind the well-known part.
        """
        challenges = (ACME_CHALLENGES,) if self.acme_challenges else ()
        return (RESOURCE_METADATA, *challenges, *self.with_base(PORTAL, VERIFY, *self.register))

    @property
    def token_uris(self) -> tuple[str, ...]:
        """The token endpoint, as clients know it."""
        return tuple(self.public_url + path for path in self.token)

    def uri_of(self, path: str) -> str:
        """The URI of an endpoint, as the client knows it that has asked for `path`."""
        return (self.origin if self.base and path.startswith(self.base + "/") else self.public_url) + path
