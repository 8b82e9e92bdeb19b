"""Passkeys (Web Authentication): what is known of one, and for whose pages it is made."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.errors import GatepostError

MOST_PASSKEYS = 10
"""Of one person."""
CHALLENGE_LIFETIME = 300
"""Seconds in which a browser must answer a challenge."""
LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a person. Nothing in it is secret: the private key never leaves the authenticator."""

    id: str
    """The credential's id, in base64url."""
    name: str
    """What its person calls it."""
    public_key: str
    """As a COSE key (RFC 9052), in base64url."""
    sign_count: int
    """How often it has signed, as far as the authenticator says so; 0: it does not."""
    created: int
    """Seconds since the epoch."""
    used: int = 0
    """When it was used last; 0: never."""
    transports: tuple[str, ...] = ()
    """How browsers reach the authenticator."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a browser is asked to sign."""

    value: str
    """In hexadecimal."""
    ends: int
    """Seconds since the epoch."""


class PasskeyRefused(GatepostError):  # noqa: N818 (it says what the matter is)
    """An answer proves nothing. The message is for the log."""


class TooManyPasskeys(GatepostError):  # noqa: N818 (as above)
    """A person has as many as one may have."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom passkeys are made (Web Authentication section 4): only its own pages can use them."""

    id: str
    """A host."""
    origin: str
    """The pages' origin, as browsers write it."""


def relying_party(public_url: str) -> RelyingParty:
    """The relying party whose pages are under a URL. Raises ValueError where browsers have no passkeys."""
    parts = urlsplit(public_url)
    host = (parts.hostname or "").rstrip(".")
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        raise ValueError("needs a host name in server.public_url: browsers have no passkeys for IP addresses")
    if parts.scheme != "https" and host != LOCALHOST and not host.endswith(f".{LOCALHOST}"):
        raise ValueError(
            "needs an https URL in server.public_url: with http, browsers have passkeys for localhost only"
        )
    usual = 443 if parts.scheme == "https" else 80
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


def count_regressed(before: int, now: int) -> bool:
    """Whether a signature counter says that a passkey was copied.

    Web Authentication section 7.2 step 22: it grows with each use, unless both are zero.
    """
    return (before > 0 or now > 0) and now <= before
