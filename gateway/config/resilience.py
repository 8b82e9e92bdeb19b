"""Health checks, retries and circuit breakers of upstreams."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.addresses import check_host_header
from gateway.config.base import Many, Section
from gateway.config.units import Timeout
from gateway.http.header_names import HeaderName, check_header_value

# RFC 9112 section 3.2.1: origin-form of the request target.
TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")
MAX_TARGET_LENGTH = 2048


def check_target(value: str) -> str:
    """Validates a path with an optional query."""
    if len(value) > MAX_TARGET_LENGTH or not TARGET.fullmatch(value):
        raise ValueError("must be a path such as /health; other characters go percent-encoded")
    return value


def _check_secret_header(value: SecretStr) -> SecretStr:
    """Validates a header's value, which errors never contain."""
    check_header_value(value.get_secret_value())
    return value


SecretHeaderValue = Annotated[SecretStr, AfterValidator(_check_secret_header)]
"""A header's value that may be a secret."""


class HealthExpectation(Section):
    """What a server's response to a health check must be."""

    status: Many[Annotated[int, Field(ge=200, le=599)]] = Field(
        default=(200,), description="Statuses with which the check passes; []: 200 to 399."
    )
    body: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description="Text that must be in the response's body, in its first 64 KiB. null: the body is not "
        "read.",
    )


class HealthConfig(Section):
    """Active health checks of each server."""

    path: Annotated[str, AfterValidator(check_target)] = Field(
        default="/health",
        description="Requested with GET by each worker. A path in the server's URL is not put before it.",
    )
    host: Annotated[str, AfterValidator(check_host_header)] | None = Field(
        default=None, description="The Host header of the check. null: host_header, else the server's own."
    )
    headers: Mapping[HeaderName, SecretHeaderValue] = Field(
        default={}, description="Further headers of the check, each with its value."
    )
    expect: HealthExpectation = Field(
        default=HealthExpectation(), description="What the response must be for the check to pass."
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="The port that is checked on the server's host. null: the server's own."
    )
    interval: Timeout = Field(default=5.0, description="Time between two checks. A duration.")
    timeout: Timeout = Field(default=2.0, description="For connection and response. A duration.")
    unhealthy_after: int = Field(
        default=2, ge=1, le=1000, description="Consecutive failures until a server gets no more requests."
    )
    healthy_after: int = Field(
        default=1, ge=1, le=1000, description="Consecutive successes until it gets requests again."
    )


class RetryConfig(Section):
    """When a failed request is retried."""

    attempts: int = Field(
        default=1, ge=0, le=10, description="Retries after the first attempt, up to 10; 0: none."
    )
    on: Many[Literal["connect", "reset", "502", "503", "504"]] = Field(
        default=("connect", "503"),
        description="connect: no connection could be made, so nothing was sent. reset: the connection"
        ' broke before a response. Or a response\'s status: "502", "503", "504". All but '
        "connect apply to idempotent methods only.",
    )


class AdaptiveConcurrencyConfig(Section):
    """How many requests may wait for a server's response: as many as it can answer without a queue."""

    min_concurrency: int = Field(
        default=3,
        ge=1,
        le=65535,
        description="The limit never falls below this. It never passes max_connections.",
    )
    buffer: float = Field(
        default=0.25,
        ge=0.0,
        le=10.0,
        description="How much later than the least latency a response may be, "
        "as a part of it, before the limit shrinks.",
    )
    min_rtt_interval: Timeout = Field(
        default=10.0,
        description="While requests are refused: how often the least latency is measured anew, with half the "
        "limit for a moment. A duration.",
    )


class BreakerConfig(Section):
    """When the circuit breaker of a server opens."""

    failures: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description="Consecutive requests without a response until the breaker opens.",
    )
    open_for: Timeout = Field(
        default=10.0,
        description="How long it stays open; then one trial request closes or reopens it. A duration.",
    )
