"""`server`: listeners, limits and timeouts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from gateway.config.acme import AcmeSettings
from gateway.config.addresses import BaseUrl, BrowserOriginPattern, FilePath, Host, Port, TrustedProxy
from gateway.config.base import Many, Section
from gateway.config.forward_auth import ForwardAuthSettings
from gateway.config.head_limits import HeadLimits
from gateway.config.problems import KeyPath
from gateway.config.route_paths import EndpointPath
from gateway.config.tls import Tls, TlsAcme, TlsFiles
from gateway.config.units import Grace, Size, Timeout
from gateway.http.client_certificate import UNVERIFIED
from gateway.http.endpoints import AUTHORIZE, INTROSPECT, JWKS, REVOKE, TOKEN, GatewayPaths
from gateway.http.header_names import is_certificate_name

MAX_WORKERS = 512
MAX_SOCKET_PATH = 107
"""Bytes of the path of a Unix socket: sun_path of unix(7) without its final NUL."""
HTTPS_PORT = 443
MAX_PORT = 65_535
SOCKET_MODE = re.compile("0?[0-7]{3}")
_RESERVED = (JWKS, AUTHORIZE, *GatewayPaths().server_metadata, *GatewayPaths().openid_configuration)


def _socket_mode(value: object) -> object:
    """YAML 1.1 reads 0660 as a number in octal and 660 as one in decimal: only text is unambiguous."""
    if isinstance(value, str) and SOCKET_MODE.fullmatch(value):
        return int(value, 8)
    raise PydanticCustomError("socket_mode", 'must be permissions as text, such as "0660"')


SocketMode = Annotated[
    int,
    BeforeValidator(_socket_mode),
    WithJsonSchema({"type": "string", "pattern": "^0?[0-7]{3}$"}),
]


_NOT_GIVEN: Any = object()

HttpVersion = Literal[1, 2, 3]
HTTP_1: tuple[HttpVersion, ...] = (1,)

OptionalPort = Annotated[Port | None, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MAX_PORT})]


class ListenSettings(Section):
    """A listener."""

    host: Host = Field(
        default="0.0.0.0",  # noqa: S104 (a gateway is meant to be reachable)
        description='The IP address or host name to bind to; 0.0.0.0 is all IPv4 addresses, "::" all '
        "IPv6 addresses.",
    )
    unix: FilePath | None = Field(
        default=None,
        description="In place of a port: the path of a Unix socket. A stale socket is replaced, and the"
        " file is removed at the end.",
    )
    port: OptionalPort = Field(
        default_factory=lambda: _NOT_GIVEN,
        validate_default=True,
        description="The port; 0 is any free port. Required without unix.",
    )
    mode: SocketMode = Field(
        default=0o660,
        description="Permissions of the Unix socket in octal notation, as text: who may connect.",
    )
    tls: Tls | None = Field(
        default=None,
        description="null: plain HTTP. auto: a self-signed certificate, created once in state_dir. Or"
        " a mapping with certificate and key, or with acme. Or a list of such mappings, chosen by the name"
        " that the client asks for (SNI).",
    )

    http: Many[HttpVersion] = Field(
        default=HTTP_1,
        min_length=1,
        description="The major versions of HTTP that clients may speak: any of 1, 2 and 3. With 2 or 3 the"
        " gateway runs an Envoy on this port (the edge), which needs the extra edge.",
    )
    proxy_protocol: bool = Field(
        default=False,
        description="true: each connection begins with a header of the PROXY protocol, version 1 or 2, which"
        " names the client. Only server.trusted_proxies may connect.",
    )
    redirect: Literal["https"] | None = Field(
        default=None,
        description="https: every request is answered with a redirect to the same URL with https, by 308, or"
        " 301 for GET and HEAD.",
    )

    ext_authz: Literal["grpc"] | None = Field(
        default=None,
        description="grpc: proxies ask here by gRPC whether requests may pass, as Envoy's ext_authz does, and"
        " nothing else is answered. Needs the extra grpc.",
    )

    @field_validator("port", mode="wrap")
    @classmethod
    def _port_or_unix(
        cls, value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> int | None:
        unix = info.data.get("unix", _NOT_GIVEN)
        if value is _NOT_GIVEN:
            if unix is None:
                raise PydanticKnownError("missing")
            return None
        if value is None:
            raise PydanticKnownError("int_type")
        if isinstance(unix, Path):
            raise PydanticCustomError("listener", "can't be given together with unix")
        found: int | None = validate(value)
        return found

    @model_validator(mode="after")
    def _consistent(self) -> ListenSettings:
        if self.unix is not None and len(bytes(self.unix)) > MAX_SOCKET_PATH:
            raise PydanticCustomError("listener", "unix must be at most 107 bytes long")
        if self.redirect is not None and self.tls is not None:
            raise PydanticCustomError("listener", "redirect: https is for listeners without tls")
        if self.redirect is not None and self.ext_authz is not None:
            raise PydanticCustomError("listener", "redirect: https is for listeners without ext_authz")
        if self.at_edge:
            self._consistent_at_edge()
        return self

    def _consistent_at_edge(self) -> None:
        for given, key in (
            (self.unix is not None, "unix"),
            (self.proxy_protocol, "proxy_protocol"),
            (self.redirect is not None, "redirect"),
            (self.ext_authz is not None, "ext_authz"),
        ):
            if given:
                raise PydanticCustomError("listener", f"http: 2 and 3 can't be given together with {key}")
        if len(set(self.http)) < len(self.http):
            raise PydanticCustomError("listener", "http names a version twice")
        if 3 in self.http and (self.tls is None or len(self.http) == 1):  # noqa: PLR2004 (HTTP/3)
            raise PydanticCustomError(
                "listener", "http: 3 needs tls, and 1 or 2 beside it, by which clients learn of it"
            )

    @property
    def at_edge(self) -> bool:
        """Whether Envoy listens there, and hands on to the gateway."""
        return self.http != HTTP_1

    @property
    def certificates(self) -> dict[KeyPath, TlsFiles | TlsAcme]:
        """The certificates from files and by ACME, by their path under the listener; the default first."""
        if isinstance(self.tls, tuple):
            return {("tls", index): one for index, one in enumerate(self.tls)}
        return {} if self.tls is None or self.tls == "auto" else {("tls",): self.tls}


class EndpointPaths(Section):
    """The paths of the OAuth endpoints."""

    token: Many[EndpointPath] = Field(
        default=(TOKEN,), min_length=1, description="Paths of the token endpoint. Metadata names the first."
    )
    revoke: Many[EndpointPath] = Field(
        default=(REVOKE,), min_length=1, description="Paths of the revocation endpoint."
    )
    introspect: Many[EndpointPath] = Field(
        default=(INTROSPECT,), min_length=1, description="Paths of the introspection endpoint."
    )

    @model_validator(mode="after")
    def _each_once(self) -> EndpointPaths:
        paths = (*self.token, *self.revoke, *self.introspect)
        taken = next((path for path in paths if paths.count(path) > 1 or path in _RESERVED), None)
        if taken is not None:
            raise ValueError(f"the path {taken} is taken already")
        return self


class EndpointCorsSettings(Section):
    """CORS of the OAuth endpoints."""

    origins: Many[BrowserOriginPattern] = Field(
        default=(),
        description="Origins, such as https://app.example.org, whose pages may call /token, /revoke and"
        " /introspect. Metadata and keys are open to every page.",
    )


class ServerTimeouts(Section):
    """Timeouts of client connections."""

    header: Timeout = Field(default=10.0, description="For the complete request head.")
    body: Timeout = Field(
        default=60.0,
        description="For the next part of the body, and for a client that does not read.",
    )
    idle: Timeout = Field(default=75.0, description="Keep-alive: for the next request on a connection.")
    drain: Grace = Field(
        default=25.0, description="Graceful shutdown: for the requests in flight; 0: do not wait."
    )
    reload: Timeout | None = Field(
        default=None,
        description="After a reload: how long WebSockets, streams and requests of before live on. null: "
        "until they end by themselves, or at a shutdown.",
    )
    shutdown_delay: Grace = Field(
        default=0.0,
        description="At SIGTERM, before the drain: not ready any more, and still accepting. For load "
        "balancers that need time to notice.",
    )


def _workers(value: object) -> object:
    if value == "auto" or (
        isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_WORKERS
    ):
        return value
    raise PydanticCustomError("needs_int", "must be a whole number from 1 to 512, or auto")


Workers = Annotated[
    int | Literal["auto"],
    BeforeValidator(_workers),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_WORKERS}, {"const": "auto"}]}),
]


def check_certificate_header(value: str) -> str:
    """Validates the name of a header with certificates: one that never goes upstream from outside."""
    name = value.lower()
    if name == UNVERIFIED:
        raise ValueError("has certificates that nobody has verified: use X-Amzn-Mtls-Clientcert-Leaf")
    if not is_certificate_name(name.encode()):
        raise ValueError("must be a header for certificates, such as Client-Cert or X-SSL-Client-Cert")
    return value


CertificateHeader = Annotated[str, AfterValidator(check_certificate_header)]


class ServerSettings(Section):
    """The public side of the gateway."""

    listen: Many[ListenSettings] = Field(
        min_length=1,
        default=(ListenSettings(port=8280), ListenSettings(port=8243, tls="auto")),
        description="The listeners; at least one.",
    )
    public_url: BaseUrl = Field(
        default="https://localhost:8243",
        description="Scheme, host, port and perhaps a path that clients use: the issuer of tokens and "
        "the base of links. Never taken from the Host header.",
    )
    endpoints: EndpointPaths = Field(
        default=EndpointPaths(), description="Paths of the OAuth endpoints: one or more for each."
    )
    cors: EndpointCorsSettings = Field(
        default=EndpointCorsSettings(), description="Which web pages may use the OAuth endpoints."
    )
    workers: Workers = Field(
        default=1, description="Worker processes, up to 512; auto: one for each CPU core."
    )
    state_dir: FilePath = Field(
        default=Path(".gatepost"),
        description="Directory for the embedded store, keys and generated certificates.",
    )
    trusted_proxies: Many[TrustedProxy] = Field(
        default=(),
        description="Networks, such as 10.0.0.0/8, or addresses, whose Forwarded, X-Forwarded-* and "
        'Client-Cert headers are believed. "unix:": whoever connects to a Unix socket.',
    )
    client_certificate_header: CertificateHeader = Field(
        default="Client-Cert",
        description="The header in which trusted_proxies tell of a client's TLS certificate: Client-Cert "
        "(RFC 9440), X-Forwarded-Client-Cert (Envoy), X-Amzn-Mtls-Clientcert-Leaf (AWS), or another with a "
        "percent-encoded PEM (nginx). No other is read.",
    )
    forward_auth: ForwardAuthSettings = Field(
        default=ForwardAuthSettings(),
        description="Which proxies may ask /auth/verify. Empty: trusted_proxies.",
    )
    fast_lane: bool = Field(
        default=True,
        description="true: plain requests are handled without aiohttp, by the same rules at lower "
        "cost (the fast path). false: aiohttp handles all requests.",
    )
    watch: bool = Field(
        default=False,
        description="true: reload when a file of the configuration, or one that it names, changes.",
    )
    max_body: Size = Field(default=10 * 1024**2, description="Maximum size of a request body. A size.")
    max_connections: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Maximum client connections per worker; further ones are closed at once.",
    )
    max_connections_per_address: int = Field(
        default=1_000,
        ge=1,
        le=1_000_000,
        description="Maximum client connections per worker from one address. Does not apply to "
        "trusted_proxies, and can't be had with a listener with http: 2 or 3.",
    )
    min_rate: int = Field(
        default=500,
        ge=1,
        le=1_000_000,
        description="Minimum average rate in bytes per second for a client that sends a body or reads"
        " a response, after the first timeouts.body seconds. Slower clients are "
        "disconnected.",
    )
    max_event_loop_delay: Timeout | None = Field(
        default=0.1,
        description="How late a worker's event loop may be. While it is later for want of CPU, a share of the"
        " proxied requests is refused with 503. null: none is. A duration.",
    )
    timeouts: ServerTimeouts = Field(default=ServerTimeouts(), description="Timeouts for clients.")
    limits: HeadLimits = Field(default=HeadLimits(), description="Limits of the heads of messages.")

    @property
    def for_clients(self) -> tuple[ListenSettings, ...]:
        """The listeners that clients use: not those at which only proxies ask."""
        return tuple(one for one in self.listen if one.ext_authz is None)

    @property
    def redirect_port(self) -> int | None:
        """The port to which listeners redirect; None without such listeners."""
        return self.https_port if any(one.redirect is not None for one in self.listen) else None

    @property
    def https_port(self) -> int | None:
        """The port to which `redirect: https` leads; None: none is known before sockets are bound.

        That of public_url where it is given or has a listener, else that of the first listener with TLS.
        """
        tls_ports = [one.port for one in self.for_clients if one.tls is not None and one.port]
        parts = urlsplit(self.public_url)
        public = (parts.port or HTTPS_PORT) if parts.scheme == "https" else None
        if public is not None and (public in tls_ports or "public_url" in self.model_fields_set):
            return public
        return tls_ports[0] if tls_ports else None

    @property
    def acme(self) -> dict[KeyPath, AcmeSettings]:
        """The certificates that are ordered by ACME, by their path under `server.listen`."""
        return {
            (index, *path): one.acme
            for index, listener in enumerate(self.listen)
            for path, one in listener.certificates.items()
            if isinstance(one, TlsAcme)
        }

    @property
    def paths(self) -> GatewayPaths:
        """Paths of the gateway's own endpoints."""
        own = self.endpoints
        challenges = any(one.challenge == "http-01" for one in self.acme.values())
        return GatewayPaths(
            self.public_url, own.token, own.revoke, own.introspect, acme_challenges=challenges
        )
