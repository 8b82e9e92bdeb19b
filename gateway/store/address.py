"""Where the store is: `store.url`, read once and strictly."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.errors import StartError

EMBEDDED = "embedded"
"""The `store.url` that means: the gateway starts a store of its own (`gateway.store.embedded`)."""

PLAIN = ("redis", "valkey")
TLS = ("rediss", "valkeys")
SENTINEL, CLUSTER = "sentinel", "cluster"
OPTIONS = frozenset(
    {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
DEFAULT_PORT = 6379
SENTINEL_PORT = 26379
Host = tuple[str, int]
"""A name or an IP address, and a port."""
NO = frozenset({"0", "F", "FALSE", "N", "NO"})
DATABASE = re.compile(r"/?|/[0-9]+/?")
_HOSTS = re.compile(r"([A-Za-z][^/?#\s]*://)([^/?#\s]*)(?=[/?#]|$)")


@dataclass(slots=True, frozen=True)
class StoreAddress:
    """How to reach a store: over TCP, TLS, or a Unix socket where `path` is set.

    `host` and `others` are the servers; with Sentinel, the Sentinels; with a cluster, some of its nodes.
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT
    path: str | None = None
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_certs: str | None = None
    """A file of certificates to trust; None: the system's."""
    certfile: str | None = None
    """The gateway's own certificate, for stores that ask for one."""
    keyfile: str | None = None
    verify: bool = True
    check_hostname: bool = True
    others: tuple[Host, ...] = ()
    """Further servers."""
    topology: str = ""
    """`sentinel`, `cluster`, or empty: one server, which may be known by several addresses."""
    service: str = ""
    """What Sentinels call the primary."""

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All servers."""
        return ((self.host, self.port), *self.others)

    def at(self, host: Host) -> StoreAddress:
        """The same credentials and options for a single server."""
        return replace(self, host=host[0], port=host[1], others=(), topology="", service="")

    def __str__(self) -> str:
        """The address for logs and errors: never a user or password."""
        if self.path is not None:
            return f"unix://{self.path}"
        scheme = "rediss" if self.tls else "redis"
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        if self.topology == CLUSTER:
            return f"{scheme}+cluster://{hosts}"
        if self.topology == SENTINEL:
            return f"{scheme}+sentinel://{hosts}/{self.service}/{self.db}"
        return f"{scheme}://{hosts}/{self.db}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """What TLS needs, or None without TLS. Raises StartError where a file can't be read."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_certs)
            if self.certfile is not None:
                context.load_cert_chain(self.certfile, self.keyfile)
        except OSError as error:  # ssl.SSLError is one
            raise StartError(f"store.url: a certificate file can't be used: {error.strerror}") from None
        context.check_hostname = self.check_hostname and self.verify
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        return context


def parse_address(url: str) -> StoreAddress:
    """Reads a `store.url` other than `embedded`. Raises ValueError, whose text never repeats the URL.

    The forms are those of redis-py, with several hosts, Sentinel and Cluster. redis-py is not asked: it is
    several MiB in each worker.
    """
    try:
        parts = _split(url)
        problem = _problem(parts)
        if problem is None:
            return _address(parts)
    except ValueError:
        # The library's texts repeat pieces of the URL, which may be pieces of the password.
        problem = "is not a URL of a Redis server"
    raise ValueError(problem) from None


def _split(url: str) -> SplitResult:
    """As `urlsplit`, which knows no lists of hosts: newer ones refuse a host in brackets behind another."""
    found = _HOSTS.match(url)
    if found is None:
        return urlsplit(url)
    return urlsplit(found[1] + url[found.end() :])._replace(netloc=found[2])


def _address(parts: SplitResult) -> StoreAddress:
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query):
        options.setdefault(name, value)
    kind, topology = _scheme(parts)
    local = kind == "unix"
    first, *others = _hosts(parts, SENTINEL_PORT if topology == SENTINEL else DEFAULT_PORT)
    service, number = _place(parts, topology)
    user, _, _ = parts.netloc.rpartition("@")
    username, _, password = user.partition(":")
    return StoreAddress(
        host=first[0],
        port=first[1],
        path=unquote(parts.path) if local else None,
        db=int(options.get("db", number) or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
        tls=kind in TLS,
        ca_certs=options.get("ssl_ca_certs"),
        certfile=options.get("ssl_certfile"),
        keyfile=options.get("ssl_keyfile"),
        verify=options.get("ssl_cert_reqs") != "none",
        check_hostname=options.get("ssl_check_hostname", "").upper() not in NO,
        others=tuple(others),
        topology=topology,
        service=service,
    )


def _scheme(parts: SplitResult) -> tuple[str, str]:
    """The kind of the connection, and the topology."""
    kind, _, topology = parts.scheme.partition("+")
    return kind, topology


def _hosts(parts: SplitResult, port: int) -> list[Host]:
    """The servers. Raises ValueError for a port that is none."""
    _, _, hosts = parts.netloc.rpartition("@")
    each = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return [(unquote(one.hostname or "localhost"), one.port or port) for one in each]


def _place(parts: SplitResult, topology: str) -> tuple[str, str]:
    """The primary's name, and the number of the database."""
    if parts.scheme == "unix":
        return "", ""
    if topology != SENTINEL:
        return "", parts.path.strip("/")
    service, _, number = parts.path.strip("/").partition("/")
    return unquote(service), number


def _problem(parts: SplitResult) -> str | None:
    """What could be read in silence, and perhaps not as it was meant."""
    kind, topology = _scheme(parts)
    if kind != "unix" and kind not in PLAIN + TLS:
        return "begins with none of redis://, rediss://, valkey://, valkeys://, unix://"
    if topology not in ("", SENTINEL, CLUSTER) or parts.scheme.endswith("+") or (topology and kind == "unix"):
        return "has a + in its scheme that is followed by neither sentinel nor cluster"
    if "@" in parts.path + parts.query or parts.fragment:
        return "has an @ or # in the wrong place; write the special characters of a password as %XX"
    return _place_problem(parts, kind, topology) or _option_problem(
        parse_qsl(parts.query, keep_blank_values=True)
    )


def _place_problem(parts: SplitResult, kind: str, topology: str) -> str | None:
    if kind == "unix":
        if parts.netloc.rpartition("@")[2] or not parts.path.startswith("/"):
            return "needs the socket's absolute path: unix:///run/valkey.sock"
        return None
    service, number = _place(parts, topology)
    if topology == SENTINEL and not service:
        return "has no name of a primary: redis+sentinel://s1:26379,s2:26379/mymaster"
    if not DATABASE.fullmatch(f"/{number}"):
        return "has a path that is not a database's number"
    if topology == CLUSTER and number not in ("", "0"):
        return "has a database: a cluster has the first one only"
    return None


def _option_problem(options: list[tuple[str, str]]) -> str | None:
    if any(name not in OPTIONS for name, _ in options):
        return f"has an option that is none of {', '.join(sorted(OPTIONS))}"
    given = dict(options)
    if given.get("ssl_cert_reqs", "none") not in ("none", "required"):
        return "has an ssl_cert_reqs that is neither none nor required"
    if not given.get("db", "0").isdecimal():
        return "has a db that is not a database's number"
    return None
