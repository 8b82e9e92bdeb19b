"""`server` and `management`: where the gateway listens, and how it behaves there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from gateway.config.addresses import Cidr, FilePath, Host, Origin, Port
from gateway.config.base import Many, Section
from gateway.config.units import Grace, Size, Timeout

MOST_WORKERS = 512


class TlsFiles(Section):
    """A certificate of one's own."""

    certificate: FilePath = Field(description="PEM file with the certificate and its chain.")
    key: FilePath = Field(description="PEM file with the private key, without a password.")
    client_ca: FilePath | None = Field(
        default=None,
        description="PEM file with the CAs whose client certificates are asked for and verified, and with "
        "self-signed certificates of clients. null: none is asked for.",
    )


def _tls_kind(value: Any) -> str | None:
    if value == "auto":
        return "<auto>"
    return "<files>" if isinstance(value, dict | TlsFiles) else None


Tls = Annotated[
    Annotated[Literal["auto"], Tag("<auto>")] | Annotated[TlsFiles, Tag("<files>")],
    Discriminator(
        _tls_kind,
        custom_error_type="tls",
        custom_error_message="must be auto, or a mapping with certificate and key",
    ),
]


class ListenSettings(Section):
    """One address that the gateway serves at."""

    host: Host = Field(
        default="0.0.0.0",  # noqa: S104 (a gateway is there to be reached)
        description="Address to listen at. 0.0.0.0: all of IPv4; '::': all of IPv6.",
    )
    port: Port = Field(description="Port to listen at. 0: any free one.")
    tls: Tls | None = Field(
        default=None,
        description="null: plain HTTP. auto: a self-signed certificate, made once in state_dir. "
        "Or the files of a certificate.",
    )


class ServerTimeouts(Section):
    """How long the gateway waits for callers."""

    header: Timeout = Field(default=10.0, description="For a request's whole head. A duration.")
    body: Timeout = Field(
        default=60.0,
        description="For the next piece of a request's body, and for a caller to read on. A duration.",
    )
    idle: Timeout = Field(default=75.0, description="For the next request of a connection. A duration.")
    drain: Grace = Field(
        default=30.0, description="At the end: for the requests in flight to finish. A duration."
    )


def _workers(value: object) -> object:
    if value == "auto" or (
        isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_WORKERS
    ):
        return value
    raise PydanticCustomError("needs_int", "must be a whole number from 1 to 512, or auto")


Workers = Annotated[
    int | Literal["auto"],
    BeforeValidator(_workers),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}, {"const": "auto"}]}
    ),
]


class Server(Section):
    """The public side of the gateway."""

    listen: Many[ListenSettings] = Field(
        min_length=1,
        default=(ListenSettings(port=8280), ListenSettings(port=8243, tls="auto")),
        description="The addresses to serve at; at least one.",
    )
    public_url: Origin = Field(
        default="https://localhost:8243",
        description="The gateway's own URL, as callers know it: the issuer of its tokens and the base of its "
        "links. Never taken from a request's Host.",
    )
    workers: Workers = Field(default=1, description="Worker processes. auto: one for each CPU core.")
    state_dir: FilePath = Field(
        default=Path(".gatepost"),
        description="Directory for the embedded store, keys and made certificates; "
        "relative to the working directory.",
    )
    trusted_proxies: Many[Cidr] = Field(
        default=(),
        description="Networks whose Forwarded and X-Forwarded-* headers are believed, in CIDR notation.",
    )
    fast_lane: bool = Field(
        default=True,
        description="Whether plain requests are answered past aiohttp, with the same rules and less work.",
    )
    max_body: Size = Field(
        default=10 * 1024**2, description="The most that a request's body may have. A size."
    )
    max_connections: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="The most connections from callers that a worker holds; more are closed at once.",
    )
    max_connections_per_address: int = Field(
        default=1_000,
        ge=1,
        le=1_000_000,
        description="The most of them from one address. For trusted_proxies only max_connections counts.",
    )
    min_rate: int = Field(
        default=500,
        ge=1,
        le=1_000_000,
        description="Bytes a second that a caller must keep up on average, beyond the first timeouts.body "
        "seconds, in sending a body and in reading an answer.",
    )
    timeouts: ServerTimeouts = Field(
        default=ServerTimeouts(), description="How long the gateway waits for callers."
    )


class Management(Section):
    """The listener for operators: /healthz, /readyz and /metrics."""

    host: Host = Field(
        default="127.0.0.1", description="Address to listen at. Keep it out of callers' reach."
    )
    port: Port = Field(default=9280, description="Port to listen at. 0: any free one.")


def _switched_off(value: object) -> object:
    if value is False:
        return None
    if not isinstance(value, dict | Management):
        raise PydanticCustomError("needs_bool", "must be a mapping with host and port, or false")
    return value


def _null_is_false(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"const": False} if item == {"type": "null"} else item for item in schema["anyOf"]]


ManagementOrFalse = Annotated[
    Management | None, BeforeValidator(_switched_off), Field(json_schema_extra=_null_is_false)
]
