"""`upstreams`: the backends that requests go to."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.addresses import FilePath, Host, check_base_url, check_host, split_url
from gateway.config.base import Many, Section
from gateway.config.resilience import Breaker, Health, Retries
from gateway.config.units import Grace, Timeout
from gateway.config.words import HEADER_NAME

UNIX = "unix:"
HEADER = "header:"
SOCKET = re.compile(r"(//)?/(?!/)[\x21-\x7e]{1,100}")


def check_server_url(value: str) -> str:
    """`http://host:port/base`, `https://…`, or `unix:/path/to/socket`."""
    if not value.startswith(UNIX):
        return check_base_url(value)
    if not SOCKET.fullmatch(value.removeprefix(UNIX)):
        raise ValueError("must have the socket's absolute path, as in unix:/run/app.sock")
    return value


def check_host_header(value: str) -> str:
    """What a Host header may be: a host, with a port or without."""
    parts = split_url(f"http://{value}")
    if parts is None or parts.netloc != value or "@" in value:
        raise ValueError("must be a host such as backend.example or backend.example:8080")
    check_host(parts.hostname or "")
    return value


def check_hash_by(value: str) -> str:
    """What `balance: hash` can go by."""
    header = value.removeprefix(HEADER)
    if value not in ("client", "path") and (header == value or not HEADER_NAME.fullmatch(header)):
        raise ValueError("must be client, path, or header: and a header's name, as in header:X-Tenant")
    return value


class UpstreamServer(Section):
    """One server of an upstream."""

    url: Annotated[str, AfterValidator(check_server_url)] = Field(
        description="http://host:port or https://host:port; a path behind it is put before each request's. "
        "Or unix:/path/to/socket."
    )
    weight: int = Field(
        default=1, ge=1, le=1000, description="Its share of the requests, beside the others'."
    )


class UpstreamTimeouts(Section):
    """How long the gateway waits for an upstream."""

    connect: Timeout = Field(default=2.0, description="For a connection. A duration.")
    response: Timeout = Field(
        default=30.0, description="For the head of the answer, once the request is out. A duration."
    )
    idle: Timeout = Field(
        default=60.0, description="Without a byte either way, in an answer or a tunnel. A duration."
    )


class UpstreamTls(Section):
    """How https servers are verified, and how the gateway shows itself to them."""

    verify: bool = Field(
        default=True, description="false: any certificate will do. For tests, not for production."
    )
    ca: FilePath | None = Field(
        default=None, description="PEM file with the CAs to trust. null: the system's."
    )
    certificate: FilePath | None = Field(
        default=None, description="PEM file with the gateway's own certificate and its chain. null: none."
    )
    key: FilePath | None = Field(
        default=None,
        description="PEM file with its private key, without a password. null: it is in the certificate's.",
    )
    server_name: Host | None = Field(
        default=None,
        description="The name that is asked for (SNI) and verified. null: the host of each server's URL.",
    )


class UpstreamSettings(Section):
    """A backend under a name that routes refer to."""

    servers: Many[UpstreamServer] = Field(min_length=1, description="The servers that answer for it.")
    balance: Literal["round_robin", "least_requests", "hash"] = Field(
        default="round_robin",
        description="How a server is chosen. round_robin: in turn. least_requests: the less busy of two. "
        "hash: the same server for the same hash_by. All go by weight.",
    )
    hash_by: Annotated[str, AfterValidator(check_hash_by)] = Field(
        default="client",
        description="What balance: hash goes by. client: the token's client, or the caller's address where "
        "there is no token. path: the request's path. header:NAME: that header's value; without one, "
        "any server.",
    )
    timeouts: UpstreamTimeouts = Field(
        default=UpstreamTimeouts(), description="How long the gateway waits for it."
    )
    health: Health | None = Field(
        default=None, description="How each server is asked whether it is well. null: none is asked."
    )
    retries: Retries = Field(
        default=Retries(),
        description="When a request that failed is sent again. Never in a way that does harm.",
    )
    breaker: Breaker | None = Field(
        default=Breaker(), description="When a server that keeps failing gets a rest. null: never."
    )
    slow_start: Grace = Field(
        default=10.0,
        description="How long a server that has recovered takes to come back to its full share. 0: none. "
        "A duration.",
    )
    max_connections: int = Field(
        default=256, ge=1, le=65535, description="The most connections that a worker opens to each server."
    )
    max_queue: int = Field(
        default=10_000,
        ge=0,
        le=1_000_000,
        description="The most requests that wait for a connection to a server, in a worker; more get 503. "
        "As many as server.max_connections: only queue_timeout bounds the wait.",
    )
    queue_timeout: Timeout = Field(
        default=2.0, description="How long a request waits for a connection; then it gets 503. A duration."
    )
    keep_alive: Timeout = Field(
        default=4.0,
        description="How long an unused connection is kept; less than its server keeps it. A duration.",
    )
    tls: UpstreamTls | None = Field(
        default=None, description="For https servers. null: verified by the system's CAs."
    )
    host_header: Annotated[str, AfterValidator(check_host_header)] | None = Field(
        default=None, description="The Host that it gets. null: the caller's."
    )
