"""`clients`: the applications that may ask for tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from gateway.config.addresses import AbsoluteUri, FilePath
from gateway.config.base import Many, Section
from gateway.config.secrets import AnySecret
from gateway.config.tokens import TokenFormat
from gateway.config.units import Lifetime
from gateway.config.words import ApiKey, ClientId, Name, Scope
from gateway.jwk import read_jwks
from gateway.subject import KINDS, check_subject

AuthMethod = Literal[
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]


def check_jwks(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """RFC 7517: a set of public keys, one of which serves at least."""
    read_jwks(members)
    return members


Jwks = Annotated[Mapping[str, Any], AfterValidator(check_jwks)]


CREDENTIALS = ("secrets", "jwks", "jwks_file", "tls_client_auth", "api_keys")
"""What proves who a client is: one of them at least."""


class TlsSubject(Section):
    """Whose certificate it is (RFC 8705 section 2.1.2): exactly one of these."""

    subject_dn: str | None = Field(
        default=None, description="The whole subject, as RFC 4514 writes it: CN=shop,O=Example."
    )
    san_dns: str | None = Field(default=None, description="A host name among the alternative names.")
    san_uri: str | None = Field(default=None, description="A URI among the alternative names.")
    san_ip: str | None = Field(default=None, description="An IP address among the alternative names.")
    san_email: str | None = Field(default=None, description="An e-mail address among the alternative names.")

    @model_validator(mode="after")
    def _exactly_one(self) -> TlsSubject:
        if len(self.given) != 1:
            raise ValueError(f"must have exactly one of {', '.join(KINDS)}")
        check_subject(*self.given[0])
        return self

    @property
    def given(self) -> list[tuple[str, str]]:
        """What is given, by its key."""
        named = ((name, getattr(self, name)) for name in KINDS)
        return [(name, value) for name, value in named if value is not None]


class ClientSettings(Section):
    """A client of RFC 6749, read-only while the gateway runs."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in CREDENTIALS]},
    )

    id: ClientId = Field(description="What it calls itself: the client_id of its requests.")
    name: str = Field(default="", max_length=200, description="What people call it.")
    secrets: Many[AnySecret] = Field(
        min_length=1,
        default=(),
        description="One or more, all valid at once: plain, or sha256: and the hash's 64 hexadecimal digits; "
        "or a mapping with secret, and a name and an end.",
    )
    auth: Many[AuthMethod] = Field(
        default=(),
        description="The ways in which it may authenticate itself: client_secret_basic, client_secret_post, "
        "private_key_jwt, tls_client_auth, self_signed_tls_client_auth. Left out: all that its credentials "
        "allow, but for the last.",
    )
    jwks: Jwks | None = Field(
        default=None, description="Its public keys, as a JWK Set: a mapping with the list keys."
    )
    jwks_file: FilePath | None = Field(default=None, description="A JSON file with its JWK Set, instead.")
    tls_client_auth: TlsSubject | None = Field(
        default=None, description="Whose TLS certificate is the client's: exactly one of the keys."
    )
    require_mtls: bool = Field(
        default=False, description="true: its tokens are bound to its TLS certificate (RFC 8705)."
    )
    require_dpop: bool = Field(
        default=False, description="true: its tokens are bound to a key of its own by DPoP (RFC 9449)."
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
