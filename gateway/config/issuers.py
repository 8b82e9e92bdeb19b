"""`issuers`: external token issuers that routes may trust."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, model_validator

from gateway.config.addresses import FilePath, is_host, split_url
from gateway.config.base import Many, Section
from gateway.config.issuer_presets import TRUST_DOMAIN, Preset, with_preset
from gateway.config.units import Lifetime, Margin, Timeout
from gateway.config.value_types import ClientId

MAX_LEEWAY = 60


def check_endpoint(value: str) -> str:
    """Validates an http(s) endpoint URL without user info and fragment."""
    parts = split_url(value)
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be a URL such as https://id.example.org")
    if "@" in parts.netloc or "#" in value:
        raise ValueError("must not hold a user name, a password or a fragment (#)")
    return value


def check_issuer(value: str) -> str:
    """Validates the identifier of an issuer: an http(s) URL, or a SPIFFE trust domain."""
    if value.startswith(TRUST_DOMAIN):
        if not is_host(value.removeprefix(TRUST_DOMAIN)):
            raise ValueError("must be a trust domain such as spiffe://example.org, without a path")
        return value
    return check_endpoint(value)


def check_leeway(value: int) -> int:
    """RFC 7519 section 4.1.4: leeway is for clock skew, and small."""
    if value > MAX_LEEWAY:
        raise ValueError("must be at most 60s")
    return value


Endpoint = Annotated[str, AfterValidator(check_endpoint)]
Leeway = Annotated[Margin, AfterValidator(check_leeway)]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]


class ClaimNames(Section):
    """Names of the claims that hold scopes, client and user."""

    scope: str = Field(
        default="scope", min_length=1, description="Scopes: a string with spaces, or a list. Often scp."
    )
    client: str = Field(
        default="client_id",
        min_length=1,
        description="The client's id; a token without it is refused. Often azp.",
    )
    user: str = Field(
        default="sub", min_length=1, description="The user, if it differs from the client's id."
    )


class Introspection(Section):
    """Token introspection at the issuer (RFC 7662)."""

    url: Endpoint = Field(description="Its introspection endpoint.")
    client_id: ClientId = Field(description="The gateway's client id at the issuer.")
    client_secret: SecretStr = Field(min_length=1, description="Its secret, sent with HTTP Basic.")
    cache: Margin = Field(
        default=30,
        description="How long an answer is cached at most, and so how long a revoked token may still "
        "be accepted; 0: ask on every request. A duration.",
    )


class IssuerSettings(Section):
    """A trusted issuer. Routes and clients refer to it by name under `issuers`."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("issuer", "preset")]}
    )

    preset: Preset | None = Field(
        default=None,
        description="kubernetes, github, gitlab or spiffe: fills in what is always the same for the "
        "platform. Its tokens are accepted only where a client trusts them.",
    )
    issuer: Annotated[str, AfterValidator(check_issuer)] = Field(
        default="",
        description="The iss of its tokens, compared exactly. With preset spiffe also a trust domain such as "
        "spiffe://example.org, compared with sub. Left out: that of the preset.",
    )
    jwks_url: Endpoint | None = Field(
        default=None,
        description="URL of its keys. If neither this nor the next two are set, they are found by "
        "discovery (RFC 8414, OpenID Connect).",
    )
    jwks_file: FilePath | None = Field(
        default=None, description="File with its keys (a JWK Set), read when the configuration is loaded."
    )
    introspection: Introspection | None = Field(
        default=None,
        description="Tokens are not verified locally, but introspected at the issuer (RFC 7662).",
    )
    audiences: Many[str] = Field(
        default=(),
        description="A token must have one of these in aud. Required unless introspection is used, or only "
        "clients trust the issuer: there each trust has its own audience.",
    )
    algorithms: Annotated[Many[Algorithm], Field(min_length=1)] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"),
        description="Accepted signature algorithms; also RS384, RS512, PS384, PS512, ES384, ES512, Ed25519.",
    )
    types: Annotated[Many[str], Field(min_length=1)] = Field(
        default=("at+jwt",),
        description="Accepted typ headers. Many servers write JWT; if that is listed, a token without"
        " typ is accepted too.",
    )
    claims: ClaimNames = Field(default=ClaimNames(), description="Which claims hold what.")
    leeway: Leeway = Field(
        default=30, description="Tolerance for clock differences; at most 60s. A duration."
    )
    refresh: Lifetime = Field(default=600, description="How often its keys are fetched. A duration.")
    timeout: Timeout = Field(default=3.0, description="Timeout for each request to it. A duration.")
    ca: FilePath | None = Field(
        default=None,
        description="PEM file with the CAs that sign its certificate; null: the system's.",
    )

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, values: Any) -> Any:
        return with_preset(values)
