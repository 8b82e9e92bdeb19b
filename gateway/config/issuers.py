"""`issuers`: other token servers, whose tokens routes may accept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.addresses import FilePath, split_url
from gateway.config.base import Many, Section
from gateway.config.units import Lifetime, Margin, Timeout
from gateway.config.words import ClientId

MOST_LEEWAY = 60


def check_endpoint(value: str) -> str:
    """A URL that is asked: https, or http for a server in one's own network; never with a password."""
    parts = split_url(value)
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be a URL such as https://id.example.org")
    if "@" in parts.netloc or "#" in value:
        raise ValueError("must not hold a user name, a password or a fragment (#)")
    return value


def check_leeway(value: int) -> int:
    """RFC 7519 section 4.1.4: leeway is for clock skew, and small."""
    if value > MOST_LEEWAY:
        raise ValueError("must be at most 60s")
    return value


Endpoint = Annotated[str, AfterValidator(check_endpoint)]
Leeway = Annotated[Margin, AfterValidator(check_leeway)]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]


class ClaimNames(Section):
    """Which claims say what. A token without a claim of that name does not say it."""

    scope: str = Field(
        default="scope", min_length=1, description="Scopes: text with spaces between, or a list."
    )
    client: str = Field(
        default="client_id", min_length=1, description="The client's id. Tokens without are refused."
    )
    user: str = Field(default="sub", min_length=1, description="The user; none where it is the client's id.")


class Introspection(Section):
    """Where the issuer is asked about each token (RFC 7662)."""

    url: Endpoint = Field(description="The introspection endpoint.")
    client_id: ClientId = Field(description="Who Gatepost is there.")
    client_secret: SecretStr = Field(min_length=1, description="Its secret there, for HTTP Basic.")
    cache: Margin = Field(
        default=30, description="How long an answer is believed at most. 0: every request asks. A duration."
    )


class IssuerSettings(Section):
    """Another issuer. Routes name it under `issuers`."""

    issuer: Endpoint = Field(description="What its tokens have as iss, exactly; also where it is discovered.")
    jwks_url: Endpoint | None = Field(
        default=None, description="Where its keys are. null: found by discovery (RFC 8414, OpenID Connect)."
    )
    jwks_file: FilePath | None = Field(
        default=None, description="A file with its keys (a JWK Set), read when the configuration is loaded."
    )
    introspection: Introspection | None = Field(
        default=None, description="Ask the issuer about its tokens, in place of verifying signatures."
    )
    audiences: Many[str] = Field(
        default=(),
        description="A token must be for one of these. Needed, but with introspection: empty is any there.",
    )
    algorithms: Annotated[Many[Algorithm], Field(min_length=1)] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"), description="The signatures that are accepted."
    )
    types: Annotated[Many[str], Field(min_length=1)] = Field(
        default=("at+jwt",),
        description="The typ that tokens may have. Issuers that do not follow RFC 9068 need JWT, which also "
        "takes tokens without typ.",
    )
    claims: ClaimNames = Field(default=ClaimNames(), description="Which claims say what.")
    leeway: Leeway = Field(default=30, description="For clocks that differ; at most 60s. A duration.")
    refresh: Lifetime = Field(default=600, description="How often its keys are fetched. A duration.")
    timeout: Timeout = Field(default=3.0, description="For each question to it. A duration.")
    ca: FilePath | None = Field(
        default=None,
        description="PEM file with the CAs that sign its certificate. null: the system's.",
    )
