"""`store`: the Redis-compatible store of tokens, clients and counters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.addresses import is_host, split_url
from gateway.config.base import Section
from gateway.config.units import Timeout

EMBEDDED = "embedded"
SERVERS = ("redis", "rediss", "valkey", "valkeys")
SENTINEL = tuple(f"{scheme}+sentinel" for scheme in SERVERS)
CLUSTER = tuple(f"{scheme}+cluster" for scheme in SERVERS)
SCHEMES = frozenset({*SERVERS, "unix", *SENTINEL, *CLUSTER})
OPTIONS = frozenset(
    {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
WITH_TLS = ("rediss:", "rediss+", "valkeys:", "valkeys+")
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""The options of a URL that name files: the CA, the gateway's own certificate, and its key."""
URL = re.compile(
    r"(?P<scheme>[A-Za-z]+(?:\+[A-Za-z]+)?)://(?P<user>[^/?#]*@)?(?P<hosts>[^@/?#]*)(?P<path>/[^@?#]*)?(?P<query>\?[^@#]*)?"
)
DATABASE = re.compile(r"/?|/[0-9]{1,9}/?")
PRIMARY = re.compile(r"/[A-Za-z0-9_.~%-]+(/|/[0-9]{1,9}/?)?")
FIRST_DATABASE = re.compile(r"/?|/0/?")
PREFIX = re.compile(r"[A-Za-z0-9_.:/{}-]{1,64}")
MAX_WAIT_REPLICAS = 100
NO_SOCKET = "must have the socket's absolute path, as in unix:///run/valkey.sock"


def check_store_url(value: str) -> str:
    """Validates `embedded` or a Redis URL. It may contain a password, so errors never show it."""
    if value == EMBEDDED:
        return value
    match = URL.fullmatch(value)
    if match is None and value.startswith("unix:"):
        raise ValueError(NO_SOCKET)
    if match is None or (scheme := match["scheme"].lower()) not in SCHEMES or not _well_formed(match):
        raise ValueError(
            "must be embedded, redis://host:port, rediss://host:port, unix:///path, redis+sentinel:// or "
            "redis+cluster:// (special characters of a password percent-encoded)"
        )
    hosts, path = match["hosts"].split(","), match["path"] or ""
    if scheme == "unix":
        if match["hosts"] or path in ("", "/"):
            raise ValueError(NO_SOCKET)
    else:
        _check_place(scheme, hosts, path)
    _check_options(match["query"] or "", cluster=scheme in CLUSTER)
    return value


def _well_formed(match: re.Match[str]) -> bool:
    """Whether it is a URL with each of its hosts."""
    ends = match["scheme"] + "://" + (match["user"] or ""), (match["path"] or "") + (match["query"] or "")
    return all(split_url(host.join(ends)) is not None for host in match["hosts"].split(","))


def _check_place(scheme: str, hosts: list[str], path: str) -> None:
    for host in hosts:
        parts = split_url(f"redis://{host}")
        if parts is None or not is_host(parts.hostname or ""):
            raise ValueError("must have a host, or several with commas between them: host:port,host:port")
    if scheme in SENTINEL:
        if not PRIMARY.fullmatch(path):
            raise ValueError(
                "must name the primary that the Sentinels watch, as in redis+sentinel://s1:26379,s2:26379/mymaster/0"
            )
    elif scheme in CLUSTER:
        if not FIRST_DATABASE.fullmatch(path):
            raise ValueError("must end after the hosts: a cluster has the database 0 only")
    elif not DATABASE.fullmatch(path):
        raise ValueError("must have a host, optionally followed by / and a database number")


def _check_options(query: str, *, cluster: bool) -> None:
    options = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    if cluster and options.get("db", "0") != "0":
        raise ValueError("must not have a db: a cluster has the database 0 only")
    if not options.keys() <= OPTIONS or not options.get("db", "0").isdecimal():
        raise ValueError(f"must have no options but {', '.join(sorted(OPTIONS))}, and db must be a number")
    if options.get("ssl_cert_reqs", "none") not in ("none", "required"):
        raise ValueError("must have none or required as ssl_cert_reqs")


def tls_files(url: str) -> dict[str, Path]:
    """The files that a `store.url` names for TLS, by option."""
    if not url.lower().startswith(WITH_TLS):
        return {}
    options = dict(parse_qsl(url.partition("?")[2]))
    return {name: Path(options[name]) for name in TLS_FILES if name in options}


def check_prefix(value: str) -> str:
    """Validates a key prefix: no glob characters of Redis patterns."""
    if not PREFIX.fullmatch(value):
        raise ValueError("must be 1 to 64 letters, digits or characters of _ . : / { } -")
    return value


class SentinelSettings(Section):
    """How the gateway proves itself to Sentinels; the URL has what the primary asks for."""

    username: str | None = Field(default=None, min_length=1, description="The user, if Sentinels have users.")
    password: SecretStr | None = Field(
        default=None, min_length=1, description="The password; `null`: Sentinels ask for none."
    )

    @property
    def login(self) -> tuple[str | None, str | None]:
        """User and password, in plain text."""
        return self.username, self.password.get_secret_value() if self.password else None


class StoreSettings(Section):
    """The Redis-compatible server that keeps the gateway's state."""

    url: Annotated[str, AfterValidator(check_store_url)] = Field(
        default=EMBEDDED,
        repr=False,
        description="embedded: a Valkey server that the gateway starts itself, with its data in "
        "state_dir. Or a URL: redis://host:6379/0, rediss://… with TLS, unix:///path, "
        "redis+sentinel://s1:26379,s2:26379/mymaster/0, redis+cluster://n1:7000,n2:7000. "
        "valkey may stand for redis. User and password: redis://user:password@host, special characters "
        "percent-encoded. Query parameters: db, and for TLS ssl_ca_certs, ssl_certfile, "
        "ssl_keyfile (files), ssl_cert_reqs (required or none), ssl_check_hostname, as in"
        " rediss://host:6380/0?ssl_ca_certs=ca.pem.",
    )
    prefix: Annotated[str, AfterValidator(check_prefix)] = Field(
        default="gatepost:",
        description="Prefix of every key in the store: letters, digits and _ . : / { } -.",
    )
    timeout: Timeout = Field(
        default=1.0, description="Timeout for each command; when it expires, clients get 503. A duration."
    )
    allow_eviction: bool = Field(
        default=False,
        description="true: no warning where the server's maxmemory-policy deletes keys when memory is full.",
    )
    revoke_wait_replicas: int = Field(
        default=0,
        ge=0,
        le=MAX_WAIT_REPLICAS,
        description="A revocation is acknowledged only when so many replicas have it; otherwise 503.",
    )
    sentinel: SentinelSettings = Field(
        default=SentinelSettings(), description="Credentials for Sentinels, where these ask for them."
    )
