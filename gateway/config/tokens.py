"""`tokens` and `scopes`: access token format, lifetime, keys and scope rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from gateway.config.addresses import AbsoluteUri, FilePath
from gateway.config.base import Many, Section
from gateway.config.units import Lifetime, Margin
from gateway.config.value_types import Scope, SharedKey

TokenFormatName = Literal["opaque", "jwt"]


class Signing(Section):
    """The keys that sign JWT access tokens."""

    algorithm: Literal["ES256", "RS256", "EdDSA"] = Field(
        default="ES256", description="Of the keys that the gateway creates: ES256, RS256 or EdDSA."
    )
    lead: Lifetime = Field(
        default=600,
        description="How long a new key is published before it signs; /jwks may be cached for half of"
        " it. A duration.",
    )
    keys: Many[FilePath] = Field(
        default=(),
        description="PEM files of your own private keys: the first signs, all are published. Empty: "
        "the gateway creates its keys and stores them encrypted.",
    )


def _empty_is_null(value: object) -> object:
    """So that the key can come from a variable of the environment that need not be set."""
    return None if value == "" else value


class TokenSettings(Section):
    """Access tokens: format, lifetime, reuse and keys."""

    format: TokenFormatName = Field(
        default="opaque",
        description="opaque: unreadable to anyone but the gateway. jwt: others can read and verify it"
        " (RFC 9068).",
    )
    lifetime: Lifetime = Field(
        default=3600,
        description="Lifetime of a token, unless its client or its request sets another. A duration.",
    )
    max_lifetime: Lifetime = Field(
        default=86400,
        description="Maximum for tokens.lifetime, a client's lifetime and a request's "
        "validity_period. A duration.",
    )
    reuse: bool = Field(
        default=True,
        description="A client that asks again for the same scopes and audience gets its live token.",
    )
    renew_before: Margin = Field(
        default=60,
        description="A live token with no more than this left is not reused: the client gets a new "
        "one, and the old one lives on. A duration, shorter than tokens.lifetime.",
    )
    audience: AbsoluteUri | None = Field(
        default=None,
        description="aud of a JWT that has no audience of its client's audiences; an absolute URI. "
        "null: server.public_url.",
    )
    signing: Signing = Field(default=Signing(), description="The keys that sign JWTs.")
    dpop_nonce: bool = Field(
        default=False,
        description="true: DPoP proofs must contain a nonce from the gateway, so that they can't be "
        "created in advance.",
    )
    keys: Many[SharedKey] = Field(
        default=(),
        description="The master keys: secrets of 32 characters or more, the same for all gateways that "
        "share a store. The first signs and encrypts, all of them verify and decrypt. Left out: one is "
        "created once in state_dir.",
    )
    key: Annotated[SharedKey | None, BeforeValidator(_empty_is_null)] = Field(
        default=None, description="The same as keys with one secret. Empty: as if it were left out."
    )

    @model_validator(mode="after")
    def _one_way_to_name_the_keys(self) -> TokenSettings:
        if self.key is not None and self.keys:
            raise ValueError("key and keys can't both be given: key is the same as keys with one secret")
        if len({key.get_secret_value() for key in self.keys}) != len(self.keys):
            raise ValueError("keys has the same secret twice")
        return self

    @property
    def master_keys(self) -> tuple[SecretStr, ...]:
        """The keys of `keys` or `key`, the signing key first; empty if neither is set."""
        return self.keys if self.key is None else (self.key,)


class ScopeSettings(Section):
    """Scopes that any client may use."""

    default: Many[Scope] = Field(
        default=("default",),
        description="Granted if a request names no scope; any client may also ask for them.",
    )
    allowed: Many[Scope] = Field(
        default=(),
        description="Patterns of scopes that any client may ask for in addition to its own, such as "
        "device_*; * matches any characters. Each set of scopes gets a token of its own.",
    )
    application: Scope | None = Field(
        default="am_application_scope",
        description="Added to every token of client_credentials; null: nothing.",
    )
