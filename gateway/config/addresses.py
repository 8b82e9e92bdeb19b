"""Hosts, ports, networks and URLs."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

from gateway.config.paths import check_path

LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_NAME = re.compile(rf"{LABEL}(\.{LABEL})*")
HOST_PATTERN = re.compile(rf"(\*\.)?{LABEL}(\.{LABEL})*")
# RFC 3986 appendix A: unreserved, reserved and percent-encoded, nothing else.
URI_TEXT = re.compile(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
LONGEST_HOST = 253


def split_url(value: str) -> SplitResult | None:
    """The parts of a URL that keeps to RFC 3986's characters and has a usable port; else None."""
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
        return len(value) <= LONGEST_HOST and HOST_NAME.fullmatch(value) is not None
    return True


def check_host(value: str) -> str:
    """An address to listen at."""
    if not is_host(value):
        raise ValueError("must be an IP address or a host name, without a port")
    return value


def check_host_pattern(value: str) -> str:
    """What a request's Host must be, in lower case: RFC 9110 section 4.2.3 compares hosts so."""
    if len(value) > LONGEST_HOST or not HOST_PATTERN.fullmatch(value):
        raise ValueError("must be a host such as api.example.org or *.example.org, without a port")
    return value.lower()


def check_base_url(value: str) -> str:
    """`http://host:port/base` or `https://…`, the base being optional; a `/` at the end is removed."""
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


def check_origin(value: str) -> str:
    """`http://host:port` or `https://…`; a single `/` at the end is removed."""
    url = check_base_url(value)
    if "/" in url.partition("://")[2]:
        raise ValueError("must end after the host and port: a path is not supported")
    return url


def check_absolute_uri(value: str) -> str:
    """RFC 8707 section 2: a resource is an absolute URI, and must not have a fragment."""
    parts = split_url(value)
    if parts is None or not SCHEME.match(value) or not (parts.netloc or parts.path):
        raise ValueError("must be an absolute URI, such as https://api.example.org")
    if "#" in value:
        raise ValueError("must not have a fragment (#…)")
    return value


def check_network(value: str) -> str:
    """A network in CIDR notation, or one address."""
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError(
            "must be a network such as 10.0.0.0/8 (no bits set behind its prefix) or an address"
        ) from None


Host = Annotated[str, AfterValidator(check_host)]
HostPattern = Annotated[str, AfterValidator(check_host_pattern)]
Origin = Annotated[str, AfterValidator(check_origin)]
AbsoluteUri = Annotated[str, AfterValidator(check_absolute_uri)]
Port = Annotated[int, Field(ge=0, le=65535)]
BaseUrl = Annotated[str, AfterValidator(check_base_url)]
Cidr = Annotated[str, AfterValidator(check_network)]
FilePath = Annotated[Path, Field(strict=False)]
