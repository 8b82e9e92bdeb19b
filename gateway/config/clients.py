"""`clients`: OAuth clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from gateway.config.addresses import AbsoluteUri, BrowserOriginPattern, Cidr, FilePath
from gateway.config.base import Many, Section
from gateway.config.issuers import Endpoint
from gateway.config.secrets import AnySecret
from gateway.config.tokens import TokenFormatName
from gateway.config.trust import TrustSettings
from gateway.config.units import Lifetime
from gateway.config.value_types import ApiKey, ClientId, Name, Scope
from gateway.jose.jwk import read_jwks
from gateway.oauth.certificate_subject import KINDS, check_subject
from gateway.oauth.client_claims import RESERVED

AuthMethod = Literal[
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]


def check_jwks(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """RFC 7517: a set of public keys with at least one usable key."""
    read_jwks(members)
    return members


Jwks = Annotated[Mapping[str, Any], AfterValidator(check_jwks)]


OWN_TOKENS = "own"
"""Names the gateway itself in `exchange.subjects`."""
LONGEST_CLAIM = 64


def check_claim_name(value: str) -> str:
    """Validates a claim that is not one of the token's own."""
    if value in RESERVED:
        raise ValueError("is a claim that tokens or introspection have themselves")
    if not 0 < len(value) <= LONGEST_CLAIM or not value.isprintable():
        raise ValueError(f"must have 1 to {LONGEST_CLAIM} printable characters")
    return value


ClaimName = Annotated[str, AfterValidator(check_claim_name)]
CREDENTIALS = ("secrets", "jwks", "jwks_file", "jwks_uri", "tls_client_auth", "trust", "api_keys")
"""The credential keys; a client needs at least one."""


class TlsSubject(Section):
    """The certificate subject for tls_client_auth (RFC 8705 section 2.1.2): exactly one of these keys."""

    subject_dn: str | None = Field(
        default=None,
        description="The whole subject, as in CN=shop,O=Example,C=DE (RFC 4514: the most specific "
        "part first).",
    )
    san_dns: str | None = Field(default=None, description="A DNS name among the subject alternative names.")
    san_uri: str | None = Field(default=None, description="A URI among the subject alternative names.")
    san_ip: str | None = Field(default=None, description="An IP address among the subject alternative names.")
    san_email: str | None = Field(
        default=None, description="An e-mail address among the subject alternative names."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> TlsSubject:
        if len(self.configured) != 1:
            raise ValueError(f"must have exactly one of {', '.join(KINDS)}")
        check_subject(*self.configured[0])
        return self

    @property
    def configured(self) -> list[tuple[str, str]]:
        """The keys that are set, with their values."""
        named = ((name, getattr(self, name)) for name in KINDS)
        return [(name, value) for name, value in named if value is not None]


class ExchangeSettings(Section):
    """Whose tokens a client may exchange, and for what at most."""

    subjects: Annotated[Many[Name], Field(min_length=1)] = Field(
        default=(OWN_TOKENS,),
        description="Whose tokens: own for those of this gateway, and names of issuers.",
    )
    scopes: Many[Scope] | None = Field(
        default=None,
        description="The scopes that it may get at most, as far as the token has them. null: those it may "
        "ask for itself.",
    )
    audiences: Many[AbsoluteUri] = Field(
        default=(),
        description="The audiences that it may get at most. Empty: the client's audiences.",
    )
    id_jag: bool = Field(
        default=False,
        description="true: its assertions must be Identity Assertion JWT Authorization Grants, of type "
        "oauth-id-jag+jwt.",
    )


class ClientSettings(Section):
    """An OAuth client (RFC 6749), read-only at run time."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in CREDENTIALS]},
    )

    id: ClientId = Field(description="The client_id: printable ASCII, unique in the file.")
    name: str = Field(default="", max_length=200, description="Display name.")
    secrets: Many[AnySecret] = Field(
        min_length=1,
        default=(),
        description="One or more, all valid, so that one can be replaced without downtime. Plain, or "
        "sha256: and the 64 hexadecimal digits of the secret's SHA-256. Or a mapping.",
    )
    auth: Many[AuthMethod] = Field(
        default=(),
        description="The authentication methods that it may use: client_secret_basic, "
        "client_secret_post, private_key_jwt, tls_client_auth, "
        "self_signed_tls_client_auth. Empty: all that its credentials allow, except the "
        "last.",
    )
    jwks: Jwks | None = Field(
        default=None, description="Its public keys as a JWK Set: a mapping with the list keys."
    )
    jwks_file: FilePath | None = Field(
        default=None, description="A JSON file with its JWK Set instead; read at startup and on reload."
    )
    jwks_uri: Endpoint | None = Field(
        default=None,
        description="A URL at which its JWK Set is fetched instead, so that it changes its keys by itself.",
    )
    assertion_audience: Many[Literal["issuer", "token_endpoint"]] = Field(
        default=("issuer",),
        min_length=1,
        description="What aud of its client assertions may be: the issuer (RFC 7523bis), or also the URL of "
        "the token endpoint, as many libraries send it.",
    )
    tls_client_auth: TlsSubject | None = Field(
        default=None, description="The subject of its TLS certificate: exactly one of the keys."
    )
    trust: Many[TrustSettings] = Field(
        default=(),
        description="Tokens of other issuers that stand for it, in place of a secret: a list of which "
        "one must match.",
    )
    exchange: ExchangeSettings | None = Field(
        default=None,
        description="For the grants token_exchange and jwt_bearer: whose tokens it may use, and for what at "
        "most. null: only tokens of its own workloads (trust).",
    )
    require_mtls: bool = Field(
        default=False, description="true: its tokens are bound to its TLS certificate."
    )
    require_dpop: bool = Field(
        default=False,
        description="true: its tokens are bound to a DPoP key; a request without a proof is refused.",
    )
    grants: Many[Name] = Field(
        default=("client_credentials",),
        description="The grants that it may use; each must be listed under grants.",
    )
    scopes: Many[Scope] = Field(default=(), description="What it may ask for, in addition to scopes.default.")
    default_scopes: Many[Scope] | None = Field(
        default=None,
        description="What it gets where it names no scope: some of its scopes. null: scopes.default.",
    )
    lifetime: Lifetime | None = Field(
        default=None, description="Lifetime of its tokens; a duration. null: tokens.lifetime."
    )
    audiences: Many[AbsoluteUri] = Field(
        default=(),
        description="The audiences that it may ask for (RFC 8707): absolute URIs without a fragment.",
    )
    claims: Mapping[ClaimName, str | bool | int] = Field(
        default={},
        description="Further claims in its JWTs and in introspection of its tokens: a text, a whole number, "
        "true or false each.",
    )
    networks: Many[Cidr] = Field(
        default=(),
        description="Networks, such as 10.0.0.0/8, or addresses from which it may ask for tokens and use "
        "them. Empty: from everywhere.",
    )
    origins: Many[BrowserOriginPattern] = Field(
        default=(),
        description="Origins, such as https://app.example.org, whose pages may call /token, /revoke and"
        " /introspect for it; those of server.cors may for every client.",
    )
    introspect: bool = Field(
        default=False,
        description="true: it may introspect every token. false: only its own, and those for one of "
        "its audiences.",
    )
    format: TokenFormatName | None = Field(default=None, description="opaque or jwt; null: tokens.format.")
    tier: Name | None = Field(
        default=None,
        description="A name of tiers: its limit wherever a limit is by client. null: the general limit.",
    )
    subscriptions: Many[Annotated[str, Field(min_length=1, max_length=400)]] = Field(
        default=(),
        description="APIs with access: request that it may call, by the docs.title of their routes, else "
        "host and path.",
    )
    api_keys: Many[ApiKey] = Field(
        default=(),
        description="API keys for routes with the plugin api_key: plain, 16 to 256 characters, or "
        "sha256: and the 64 hexadecimal digits of the key's SHA-256. Each key is unique "
        "in the file.",
    )
    enabled: bool = Field(default=True, description="false: it gets no token, and its tokens are refused.")
