"""Which header names are the gateway's own business, and which a configuration may use."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from gateway.http.token_syntax import is_token

# RFC 9110 section 7.6.1, and those that only concern the two ends of one connection.
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
# Set by the gateway alone. A client's are removed in any spelling that an upstream could take for them:
# servers that hand headers on as variables turn "-", "_" and "." into the same character.
_OURS: Final = frozenset(
    {
        "x-client-id",
        "x-authenticated-scope",
        "x-authenticated-userid",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-server",
        "x-forwarded-ssl",
        "x-forwarded-scheme",
        "x-real-ip",
        "forwarded",
    }
)
OVERRIDES: Final = frozenset(
    {
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-method",
        "x-forwarded-path",
        "x-forwarded-uri",
        "x-forwarded-prefix",
    }
)
"""Frameworks take these for the method or the path, in place of those that were checked: removed from
requests, unless a route's `allow_headers` lets them pass."""
# The same to single servers.
_OTHER_OVERRIDES: Final = frozenset(
    {"x-original-method", "x-original-uri", "x-original-host", "x-http-host-override"}
)
# RFC 9440, and what proxies of all vendors call the certificate of a client and what they say of it: only a
# trusted proxy may tell of one, and it tells the gateway.
_CERTIFICATES: Final = (
    "client-cert",
    "ssl-client",
    "ssl-cert",
    "x-amzn-mtls-clientcert",
    "x-arr-clientcert",
    "x-client-cert",
    "x-forwarded-client-cert",
    "x-forwarded-ssl-client",
    "x-forwarded-tls-client-cert",
    "x-ssl-cert",
    "x-ssl-client",
    "x-tls-client",
)
# What says where a message ends, to whom it goes, and which way it came.
_FRAMING: Final = frozenset({b"content-length", b"trailer", b"expect", b"host", b"via"})
_NOT_ALPHANUMERIC: Final = re.compile(r"[^a-z0-9]+")
# RFC 9110 section 5.5: field-value, here in ASCII.
_VALUE: Final = re.compile(r"([\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?)?")
LONGEST_VALUE: Final = 4096


def is_identity(lower: bytes) -> bool:
    """Whether a request header (in lower case) could be taken for one that only the gateway sets."""
    spelling = name_spelling(lower)
    return spelling in _OURS or spelling.startswith(_CERTIFICATES)


def is_certificate_name(lower: bytes) -> bool:
    """Whether proxies tell of a client's certificate in a header of this name (in lower case)."""
    return name_spelling(lower).startswith(_CERTIFICATES)


def is_override(lower: bytes) -> bool:
    """Whether a request header (in lower case) could be taken for another method or path than was checked."""
    spelling = name_spelling(lower)
    return spelling in OVERRIDES or spelling in _OTHER_OVERRIDES


def name_spelling(lower: bytes) -> str:
    """What all spellings of a name have in common that an upstream could take for each other."""
    return _NOT_ALPHANUMERIC.sub("-", lower.decode("latin-1")).strip("-")


def is_framing(lower: bytes) -> bool:
    """Whether a header (in lower case) frames or addresses a message, or belongs to one connection."""
    return lower in HOP_BY_HOP or lower in _FRAMING


def check_header_name(name: str) -> str:
    """Refuses what no header can be called, and what frames or addresses a message."""
    if not is_token(name):
        raise ValueError("must be a header's name: letters, digits and - without spaces")
    if is_framing(name.lower().encode()):
        raise ValueError("can't be used: framing and addressing is the gateway's task")
    return name


def check_free_header_name(name: str) -> str:
    """Refuses also what tells the upstream who calls."""
    if is_identity(check_header_name(name).lower().encode()):
        raise ValueError("can't be used: only the gateway tells the upstream who calls")
    return name


def check_allowed_override(name: str) -> str:
    """Refuses what `allow_headers` does not let pass."""
    if name.lower() not in OVERRIDES:
        raise ValueError(f"must be one of {', '.join(sorted(OVERRIDES))}")
    return name.lower()


def check_header_value(value: str) -> str:
    """Refuses what can't stand in a header, such as a line break."""
    if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
        raise ValueError("must be printable ASCII, without a line break and without a space at either end")
    return value


HeaderName = Annotated[str, AfterValidator(check_header_name)]
"""A header that a configuration may name in answers."""
FreeHeaderName = Annotated[str, AfterValidator(check_free_header_name)]
"""A header that a configuration may name in requests."""
OverrideName = Annotated[str, AfterValidator(check_allowed_override)]
"""A header that a route may let pass which is removed otherwise, in lower case."""
HeaderValue = Annotated[str, AfterValidator(check_header_value)]
