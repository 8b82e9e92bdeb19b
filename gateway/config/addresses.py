"""Hosts, ports, networks and URLs."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

from gateway.config.route_paths import check_path
from gateway.http.exchange import UNIX_SOCKET
from gateway.http.origins import ANY_LABEL

LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_NAME = re.compile(rf"{LABEL}(\.{LABEL})*")
HOST_PATTERN = re.compile(rf"(\*\.)?{LABEL}(\.{LABEL})*")
# RFC 3986 appendix A: unreserved, reserved and percent-encoded, nothing else.
URI_TEXT = re.compile(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
MAX_HOST_LENGTH = 253
BROWSER_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*+://(?:[a-z0-9._~-]++|\[[0-9a-f:.]++\])(?::[0-9]{1,5})?")


def split_url(value: str) -> SplitResult | None:
    """Splits a URL. None if it has characters outside RFC 3986 or an invalid port."""
    if not URI_TEXT.fullmatch(value):
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port  # read for its range check
    except ValueError:
        return None
    return parts


def is_host(value: str) -> bool:
    """Whether it is an IP address or a host name."""
    try:
        ip_address(value)
    except ValueError:
        return len(value) <= MAX_HOST_LENGTH and HOST_NAME.fullmatch(value) is not None
    return True


def is_loopback_host(host: str) -> bool:
    """Whether it is this machine itself, by address or as `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_host(value: str) -> str:
    """Validates a host to bind to."""
    if not is_host(value):
        raise ValueError("must be an IP address or a host name, without a port")
    return value


def check_host_pattern(value: str) -> str:
    """Validates a host pattern and lower-cases it: hosts are case-insensitive (RFC 9110 section 4.2.3)."""
    if len(value) > MAX_HOST_LENGTH or not HOST_PATTERN.fullmatch(value):
        raise ValueError("must be a host such as api.example.org or *.example.org, without a port")
    return value.lower()


def check_base_url(value: str) -> str:
    """Validates `http(s)://host:port/base` with an optional base path; a trailing `/` is removed."""
    parts = split_url(value)
    if parts is None or parts.scheme not in ("http", "https") or not is_host(parts.hostname or ""):
        raise ValueError("must be a URL such as http://host:port or https://host/base")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or a password")
    if "?" in value or "#" in value:
        raise ValueError("must not have a query (?) or a fragment (#)")
    base = parts.path.removesuffix("/")
    if base:
        check_path(base)
    return f"{parts.scheme}://{parts.netloc}{base}"


def check_host_header(value: str) -> str:
    """Validates a Host header value: a host with an optional port."""
    parts = split_url(f"http://{value}")
    if parts is None or parts.netloc != value or "@" in value:
        raise ValueError("must be a host such as backend.example or backend.example:8080")
    check_host(parts.hostname or "")
    return value


def check_origin(value: str) -> str:
    """Validates `http(s)://host:port`; a trailing `/` is removed."""
    url = check_base_url(value)
    if "/" in url.partition("://")[2]:
        raise ValueError("must end after the host and port: a path is not supported")
    return url


def is_browser_origin(value: str) -> bool:
    """Whether it is an origin as browsers serialize it (RFC 6454 section 6.2): lower case, no path."""
    return BROWSER_ORIGIN.fullmatch(value) is not None


def is_browser_origin_pattern(value: str) -> bool:
    """Whether it is such an origin with a wildcard as its first label: `https://*.example.org`.

    What follows the wildcard has two labels, or is `localhost`: a whole top-level domain is nobody's own.
    """
    scheme, wildcard, rest = value.partition(ANY_LABEL)
    if not wildcard or not is_browser_origin(f"{scheme}://{rest}"):
        return False
    name = rest.partition(":")[0]
    return HOST_NAME.fullmatch(name) is not None and ("." in name or name == "localhost")


def check_browser_origin_pattern(value: str) -> str:
    """Validates an origin, or a pattern for origins."""
    if not is_browser_origin(value) and not is_browser_origin_pattern(value):
        raise ValueError(
            "must be an origin such as https://app.example.org or https://*.example.org: lower case, nothing"
            " behind the port"
        )
    return value


def check_absolute_uri(value: str) -> str:
    """RFC 8707 section 2: a resource is an absolute URI, and must not have a fragment."""
    parts = split_url(value)
    if parts is None or not SCHEME.match(value) or not (parts.netloc or parts.path):
        raise ValueError("must be an absolute URI, such as https://api.example.org")
    if "#" in value:
        raise ValueError("must not have a fragment (#…)")
    return value


def check_network(value: str) -> str:
    """Validates a network in CIDR notation or a single address."""
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError("must be a network such as 10.0.0.0/8 (no host bits set) or an address") from None


def check_trusted_proxy(value: str) -> str:
    """Validates a network, or `unix:` for the other end of a Unix socket."""
    return value if value == UNIX_SOCKET else check_network(value)


Host = Annotated[str, AfterValidator(check_host)]
HostPattern = Annotated[str, AfterValidator(check_host_pattern)]
Origin = Annotated[str, AfterValidator(check_origin)]
BrowserOriginPattern = Annotated[str, AfterValidator(check_browser_origin_pattern)]
AbsoluteUri = Annotated[str, AfterValidator(check_absolute_uri)]
Port = Annotated[int, Field(ge=0, le=65535)]
BaseUrl = Annotated[str, AfterValidator(check_base_url)]
Cidr = Annotated[str, AfterValidator(check_network)]
TrustedProxy = Annotated[str, AfterValidator(check_trusted_proxy)]
FilePath = Annotated[Path, Field(strict=False)]
