"""`registration`: dynamic client registration."""

from __future__ import annotations

from pydantic import Field

from gateway.config.base import Many, Section
from gateway.config.value_types import ApiKey, Name, Scope


class RegistrationSettings(Section):
    """Who may register clients (RFC 7591), and what these may have."""

    enabled: bool = Field(default=False, description="true: POST /register is served.")
    initial_access_tokens: Many[ApiKey] = Field(
        default=(),
        description="The tokens by which a client may be registered: plain, 16 to 256 characters, or sha256: "
        "and the 64 hexadecimal digits of the token's SHA-256.",
    )
    issuers: Many[Name] = Field(
        default=(),
        description="Names of issuers: a software statement that one of them has signed is enough.",
    )
    grants: Many[Name] = Field(
        default=("client_credentials",), description="The grants that a registered client may have at most."
    )
    inner_jwks_uris: bool = Field(
        default=False,
        description="true: the jwks_uri of a registered client may be http, and at an inner address.",
    )
    scopes: Many[Scope] | None = Field(
        default=None,
        description="The scopes that it may have at most. null: all that a route requires.",
    )
