"""`upstreams`: backends with their servers, load balancing, timeouts and TLS."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from gateway.config.addresses import FilePath, Host, check_base_url, check_host_header
from gateway.config.base import Many, Section
from gateway.config.resilience import AdaptiveConcurrencyConfig, BreakerConfig, HealthConfig, RetryConfig
from gateway.config.units import Grace, Timeout
from gateway.config.upstream_auth import UpstreamAuth
from gateway.http.token_syntax import is_token

UNIX = "unix:"
SRV = "srv+"
DNS_PORT = 53
HEADER = "header:"
SOCKET = re.compile(r"(//)?/(?!/)[\x21-\x7e]{1,100}")


def _check_service_url(value: str) -> str:
    """`srv+http://_service._proto.name/base`: the host is the name of SRV records, which have the port."""
    url = check_base_url(value.removeprefix(SRV))
    if urlsplit(url).port is not None:
        raise ValueError("must not have a port: the SRV records have one for each server")
    return SRV + url


def split_nameserver(value: str) -> tuple[str, int]:
    """The address and port of a name server: `10.0.0.2`, `10.0.0.2:5353` or `[::1]:53`."""
    parts = urlsplit(f"//{value}")
    return str(ip_address(parts.hostname or "")), parts.port or DNS_PORT


def _check_nameserver(value: str) -> str:
    try:
        split_nameserver(value)
    except ValueError:
        raise ValueError("must be the IP address of a name server, as in 10.0.0.2 or 10.0.0.2:5353") from None
    return value


def check_server_url(value: str) -> str:
    """`http://host:port/base`, `https://…`, or `unix:/path/to/socket`."""
    if value.startswith(SRV):
        return _check_service_url(value)
    if not value.startswith(UNIX):
        return check_base_url(value)
    if not SOCKET.fullmatch(value.removeprefix(UNIX)):
        raise ValueError("must have the socket's absolute path, as in unix:/run/app.sock")
    return value


def check_hash_by(value: str) -> str:
    """Validates the key of `balance: hash`."""
    header = value.removeprefix(HEADER)
    if value not in ("client", "path") and (header == value or not is_token(header)):
        raise ValueError("must be client, path, or header: and a header's name, as in header:X-Tenant")
    return value


class UpstreamServerConfig(Section):
    """One server of an upstream."""

    url: Annotated[str, AfterValidator(check_server_url)] = Field(
        description="http://host:port or https://host:port; a path in it is put before each request's"
        " path. Or unix:/path/to/socket. Or srv+http://NAME, srv+https://NAME: all servers of SRV records."
    )
    weight: int = Field(default=1, ge=1, le=1000, description="Its share of the requests, from 1 to 1000.")


class UpstreamTimeouts(Section):
    """Timeouts of upstream requests."""

    connect: Timeout = Field(default=2.0, description="For a connection.")
    response: Timeout = Field(
        default=30.0, description="For the head of the response, after the request has been sent."
    )
    idle: Timeout = Field(
        default=60.0, description="Without a byte in either direction, in a response or a tunnel."
    )
    deadline: Timeout | None = Field(
        default=None,
        description="gRPC: the longest that a whole call may take, whatever its grpc-timeout asks for. null:"
        " as long as it asks for.",
    )


class UpstreamTls(Section):
    """TLS to https servers: verification and client certificate."""

    verify: bool = Field(
        default=True, description="false: any certificate is accepted. For tests, not for production."
    )
    ca: FilePath | None = Field(default=None, description="PEM file: the CAs to trust. null: the system's.")
    certificate: FilePath | None = Field(
        default=None, description="PEM file: the gateway's client certificate and its chain."
    )
    key: FilePath | None = Field(
        default=None,
        description="PEM file: its private key, without a password. null: it is in the certificate's file.",
    )
    server_name: Host | None = Field(
        default=None,
        description="The server name for SNI and verification. null: the host of each server's URL.",
    )


def _check_cookie(value: str) -> str:
    """RFC 6265 section 4.1.1: the name of a cookie is a token."""
    if not is_token(value):
        raise ValueError("must be the name of a cookie: letters, digits, - and _")
    return value


class StickyConfig(Section):
    """Sticky sessions."""

    cookie: Annotated[str, AfterValidator(_check_cookie)] = Field(
        description="The name of the cookie. It has a keyed hash of the server's address; browsers keep it "
        "until they are closed."
    )


class UpstreamConfig(Section):
    """A named backend that routes refer to."""

    servers: Many[UpstreamServerConfig] = Field(
        min_length=1, description="Its servers; at least one, with the same path in their URLs."
    )
    protocol: Literal["http", "grpc"] = Field(
        default="http",
        description="http: HTTP/1.1. grpc: calls of gRPC by HTTP/2, to http servers without TLS (h2c). Envoy"
        " forwards them, and asks the gateway.",
    )
    balance: Literal["round_robin", "least_requests", "hash"] = Field(
        default="round_robin",
        description="Load balancing, always by weight. round_robin: in turn. least_requests: the less"
        " busy of two. hash: consistent hashing by hash_by.",
    )
    hash_by: Annotated[str, AfterValidator(check_hash_by)] = Field(
        default="client",
        description="The key of hash. client: the token's client, or the client's address if there is"
        " no token. path: the request's path. header:NAME, as in header:X-Tenant: that "
        "header's value; without one, any server.",
    )
    nameservers: Many[Annotated[str, AfterValidator(_check_nameserver)]] = Field(
        default=(),
        description="Name servers for SRV records, as address or address:port. []: those of the system.",
    )
    sticky: StickyConfig | None = Field(
        default=None, description="Keeps each client on one server, by a cookie. null: none. Or a mapping."
    )
    timeouts: UpstreamTimeouts = Field(default=UpstreamTimeouts(), description="Timeouts for the upstream.")
    health: HealthConfig | None = Field(
        default=None, description="Active health checks of each server. null: none. Or a mapping."
    )
    retries: RetryConfig = Field(
        default=RetryConfig(),
        description="Retries of failed requests, on another server if there is one.",
    )
    breaker: BreakerConfig | None = Field(
        default=BreakerConfig(), description="Circuit breaker; null: none. Or a mapping."
    )
    slow_start: Grace = Field(
        default=10.0,
        description="How long a recovered server takes to get its full share again; 0: none. A duration.",
    )
    max_connections: int = Field(
        default=256, ge=1, le=65535, description="Maximum connections of a worker to each server."
    )
    max_queue: int = Field(
        default=10_000,
        ge=0,
        le=1_000_000,
        description="Maximum requests of a worker that wait for a connection to a server; more get "
        "503. With as many as server.max_connections, only queue_timeout bounds the "
        "queue.",
    )
    queue_timeout: Timeout = Field(
        default=2.0, description="How long a request waits for a connection; then it gets 503. A duration."
    )
    adaptive_concurrency: AdaptiveConcurrencyConfig | None = Field(
        default=None,
        description="Refuses requests with 503 as soon as a server answers more slowly than it can, each "
        "worker and server by itself. null: max_connections and the queue alone bound them. Or a mapping; {} "
        "has all defaults.",
    )
    keep_alive: Timeout = Field(
        default=4.0,
        description="How long an idle connection is kept; less than the server keeps it. A duration.",
    )
    tls: UpstreamTls | None = Field(
        default=None,
        description="TLS for https servers. null: verified against the system's CAs. Or a mapping.",
    )
    host_header: Annotated[str, AfterValidator(check_host_header)] | None = Field(
        default=None,
        description="The Host header for the upstream, with or without a port. null: the client's, "
        "and in health checks the server's own.",
    )
    auth: UpstreamAuth | None = Field(
        default=None,
        description="Credentials of the gateway at the upstream, in place of the client's. null: none. Or a "
        "mapping with one of client_credentials, basic and header.",
    )
