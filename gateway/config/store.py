"""`store`: where tokens, clients and counters are kept."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field

from gateway.config.addresses import is_host, split_url
from gateway.config.base import Section
from gateway.config.units import Timeout

EMBEDDED = "embedded"
SCHEMES = ("redis", "rediss", "unix")
LATER = ("redis+sentinel", "redis+cluster")
OPTIONS = frozenset(
    {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
DATABASE = re.compile(r"/?|/[0-9]{1,9}/?")
PREFIX = re.compile(r"[A-Za-z0-9_.:/{}-]{1,64}")


def check_store_url(value: str) -> str:
    """`embedded`, or the URL of a server that speaks Redis' protocol. It may hold a password: never shown."""
    if value == EMBEDDED:
        return value
    parts = split_url(value)
    scheme = parts.scheme if parts else ""
    if scheme in LATER:
        raise ValueError(f"{scheme}:// is not supported yet; use redis://, rediss:// or unix://")
    if parts is None or scheme not in SCHEMES or "@" in parts.path + parts.query or "#" in value:
        raise ValueError(
            "must be embedded, redis://host:port, rediss://host:port or unix:///path "
            "(special characters of a password percent-encoded)"
        )
    if scheme == "unix" and (parts.hostname or not parts.path.startswith("/")):
        raise ValueError("must have the socket's absolute path, as in unix:///run/valkey.sock")
    if scheme != "unix" and not (is_host(parts.hostname or "") and DATABASE.fullmatch(parts.path)):
        raise ValueError("must have a host, and behind it nothing but a database's number")
    _check_options(parts.query)
    return value


def _check_options(query: str) -> None:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if not options.keys() <= OPTIONS or not options.get("db", "0").isdecimal():
        raise ValueError(f"must have no options but {', '.join(sorted(OPTIONS))}, and db must be a number")
    if options.get("ssl_cert_reqs", "none") not in ("none", "required"):
        raise ValueError("must have none or required as ssl_cert_reqs")


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
