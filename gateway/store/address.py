"""Where the store is: `store.url`, read once and strictly."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.errors import StartError

EMBEDDED = "embedded"
"""The `store.url` that means: the gateway starts a store of its own (`gateway.store.embedded`)."""

SCHEMES = ("redis", "rediss", "unix")
OPTIONS = frozenset(
    {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
DEFAULT_PORT = 6379
NO = frozenset({"0", "F", "FALSE", "N", "NO"})
DATABASE = re.compile(r"/?|/[0-9]+/?")


@dataclass(slots=True, frozen=True)
class Address:
    """How to reach a store: over TCP, TLS, or a Unix socket where `path` is set."""

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

    def __str__(self) -> str:
        """The address for logs and errors: never a user or password."""
        if self.path is not None:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.db}"

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


def parse_address(url: str) -> Address:
    """Reads a `store.url` other than `embedded`. Raises ValueError, whose text never repeats the URL.

    The forms are those of redis-py, which is not asked: it is several MiB in each worker.
    """
    try:
        parts = urlsplit(url)
        problem = _problem(parts)
        if problem is None:
            return _address(parts)
    except ValueError:
        # The library's texts repeat pieces of the URL, which may be pieces of the password.
        problem = "is not a URL of a Redis server"
    raise ValueError(problem) from None


def _address(parts: SplitResult) -> Address:
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query):
        options.setdefault(name, value)
    local = parts.scheme == "unix"
    number = options.get("db", "" if local else parts.path.strip("/"))
    return Address(
        host=unquote(parts.hostname or "localhost"),
        port=parts.port or DEFAULT_PORT,
        path=unquote(parts.path) if local else None,
        db=int(number or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "rediss",
        ca_certs=options.get("ssl_ca_certs"),
        certfile=options.get("ssl_certfile"),
        keyfile=options.get("ssl_keyfile"),
        verify=options.get("ssl_cert_reqs") != "none",
        check_hostname=options.get("ssl_check_hostname", "").upper() not in NO,
    )


def _problem(parts: SplitResult) -> str | None:
    """What could be read in silence, and perhaps not as it was meant."""
    if parts.scheme not in SCHEMES:
        return f"begins with none of {', '.join(f'{scheme}://' for scheme in SCHEMES)}"
    if "@" in parts.path + parts.query or parts.fragment:
        return "has an @ or # in the wrong place; write the special characters of a password as %XX"
    if parts.scheme == "unix":
        if parts.hostname or not parts.path.startswith("/"):
            return "needs the socket's absolute path: unix:///run/valkey.sock"
    elif not DATABASE.fullmatch(parts.path):
        return "has a path that is not a database's number"
    return _option_problem(parse_qsl(parts.query, keep_blank_values=True))


def _option_problem(options: list[tuple[str, str]]) -> str | None:
    if any(name not in OPTIONS for name, _ in options):
        return f"has an option that is none of {', '.join(sorted(OPTIONS))}"
    given = dict(options)
    if given.get("ssl_cert_reqs", "none") not in ("none", "required"):
        return "has an ssl_cert_reqs that is neither none nor required"
    if not given.get("db", "0").isdecimal():
        return "has a db that is not a database's number"
    return None
