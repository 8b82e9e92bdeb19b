"""`store`: where tokens, clients and counters are kept."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.addresses import is_host, split_url
from gateway.config.base import Section
from gateway.config.units import Timeout

EMBEDDED = "embedded"
LATER = ("redis+sentinel", "redis+cluster")
PREFIX = re.compile(r"[A-Za-z0-9_.:/{}-]{1,64}")


def check_store_url(value: str) -> str:
    """`embedded`, or the URL of a server that speaks Redis' protocol. It may hold a password: never shown."""
    if value == EMBEDDED:
        return value
    parts = split_url(value)
    scheme = parts.scheme if parts else ""
    if parts and scheme in LATER:
        raise ValueError(f"{scheme}:// is not supported yet; use redis://, rediss:// or unix://")
    if parts and scheme in ("redis", "rediss") and is_host(parts.hostname or ""):
        return value
    if parts and scheme == "unix" and parts.path.startswith("/"):
        return value
    raise ValueError(
        "must be embedded, redis://host:port, rediss://host:port or unix:///path "
        "(special characters of a password percent-encoded)"
    )


def check_prefix(value: str) -> str:
    """A prefix that no pattern of Redis takes for more than itself."""
    if not PREFIX.fullmatch(value):
        raise ValueError("must be 1 to 64 letters, digits or characters of _ . : / { } -")
    return value


class Store(Section):
    """The server that keeps the gateway's state."""

    url: Annotated[str, AfterValidator(check_store_url)] = Field(
        default=EMBEDDED,
        repr=False,
        description="embedded: a Valkey server that the gateway starts and keeps, its data in "
        "server.state_dir. Or the URL of a Redis or Valkey: redis://, rediss:// (TLS) or unix://.",
    )
    prefix: Annotated[str, AfterValidator(check_prefix)] = Field(
        default="gatepost:", description="What every key in the store begins with."
    )
    timeout: Timeout = Field(
        default=1.0, description="For each question to the store; then callers get 503. A duration."
    )
