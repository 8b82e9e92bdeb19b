"""`clients`: the applications that may ask for tokens."""

from __future__ import annotations

from pydantic import Field

from gateway.config.addresses import AbsoluteUri
from gateway.config.base import Many, Section
from gateway.config.secrets import AnySecret
from gateway.config.tokens import TokenFormat
from gateway.config.units import Lifetime
from gateway.config.words import ApiKey, ClientId, Name, Scope


class ClientSettings(Section):
    """A client of RFC 6749, read-only while the gateway runs."""

    id: ClientId = Field(description="What it calls itself: the client_id of its requests.")
    name: str = Field(default="", max_length=200, description="What people call it.")
    secrets: Many[AnySecret] = Field(
        min_length=1,
        description="One or more, all valid at once: plain, or sha256: and the hash's 64 hexadecimal digits; "
        "or a mapping with secret, and a name and an end.",
    )
    grants: Many[Name] = Field(default=("client_credentials",), description="The grants that it may use.")
    scopes: Many[Scope] = Field(default=(), description="What it may ask for, beside scopes.default.")
    lifetime: Lifetime | None = Field(
        default=None, description="How long its tokens live. A duration; null: tokens.lifetime."
    )
    audiences: Many[AbsoluteUri] = Field(
        default=(), description="The resources (RFC 8707) that it may ask tokens for: absolute URIs."
    )
    introspect: bool = Field(
        default=False,
        description="true: /introspect tells it of every token. false: of its own, and of those for one of "
        "its audiences.",
    )
    format: TokenFormat | None = Field(
        default=None, description="The format of its tokens: opaque or jwt. null: tokens.format."
    )
    tier: Name | None = Field(
        default=None,
        description="A name of tiers: its limits, wherever a limit goes by client. null: those of everybody.",
    )
    api_keys: Many[ApiKey] = Field(
        default=(),
        description="What it may show in place of a token, on routes with the plugin api_key: plain and of "
        "at least 16 characters, or sha256: and the hash's 64 hexadecimal digits.",
    )
    enabled: bool = Field(default=True, description="false: it gets no token, and its tokens are refused.")
