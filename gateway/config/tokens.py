"""`tokens` and `scopes`: what the token endpoint gives."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.config.addresses import AbsoluteUri, FilePath
from gateway.config.base import Many, Section
from gateway.config.units import Lifetime, Margin
from gateway.config.words import Scope, SharedKey

TokenFormat = Literal["opaque", "jwt"]


class Signing(Section):
    """The keys that sign JWT access tokens."""

    algorithm: Literal["ES256", "RS256", "EdDSA"] = Field(
        default="ES256", description="What the keys that the gateway makes are for: ES256, RS256 or EdDSA."
    )
    lead: Lifetime = Field(
        default=600,
        description="How long a new key is published at /jwks before it signs; /jwks may be cached for half "
        "of it. A duration.",
    )
    keys: Many[FilePath] = Field(
        default=(),
        description="PEM files of private keys, without a password: the first signs, the others are "
        "published. Left out: the gateway makes its keys and keeps them, encrypted, in the store.",
    )


class Tokens(Section):
    """How long access tokens live, and when one is given out again."""

    format: TokenFormat = Field(
        default="opaque",
        description="opaque: a token that says nothing. jwt: one that others can read and verify (RFC 9068). "
        "Both can be revoked.",
    )
    lifetime: Lifetime = Field(default=3600, description="How long a token lives. A duration.")
    max_lifetime: Lifetime = Field(
        default=86400,
        description="The longest lifetime that a client's own or a request's validity_period may have. "
        "A duration.",
    )
    reuse: bool = Field(
        default=True,
        description="Whether who asks again, for the same scopes and audience, gets the live token.",
    )
    renew_before: Margin = Field(
        default=60,
        description="A live token with no more than this left is not given out again: there is a new one "
        "instead, and the old one lives on. A duration.",
    )
    audience: AbsoluteUri | None = Field(
        default=None,
        description="The aud of a JWT that is for none of its client's audiences. null: server.public_url.",
    )
    signing: Signing = Field(default=Signing(), description="The keys that sign JWT access tokens.")
    dpop_nonce: bool = Field(
        default=False,
        description="Whether DPoP proofs (RFC 9449) must bear a nonce of the gateway's: then none can be "
        "made long before it is used.",
    )
    key: SharedKey | None = Field(
        default=None,
        description="A secret of at least 32 characters that all gateways of a fleet share. "
        "null: made once in server.state_dir.",
    )


class Scopes(Section):
    """Scopes that clients have without being given them."""

    default: Many[Scope] = Field(
        default=("default",),
        description="Given to a client whose request names no scope; any client may name them too.",
    )
    allowed: Many[Scope] = Field(
        default=(),
        description="Patterns of scopes that any client may ask for beside its own, such as device_*: "
        "* stands for any characters.",
    )
    application: Scope | None = Field(
        default="am_application_scope",
        description="Added to what client_credentials grants. null: none.",
    )
