"""`portal.oidc`: people sign in to the portal at an OpenID provider."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag

from gateway.config.addresses import FilePath, is_loopback_host
from gateway.config.base import Many, Section, one_or_several
from gateway.config.issuers import check_endpoint
from gateway.config.value_types import CONTROL, Name

OPENID = "openid"


def check_provider_url(value: str) -> str:
    """OpenID Connect Discovery 1.0 section 3: an https URL without query and fragment."""
    check_endpoint(value)
    parts = urlsplit(value)
    if parts.query:
        raise ValueError("must have no query")
    if parts.scheme != "https" and not is_loopback_host(parts.hostname or ""):
        raise ValueError("must be an https URL; http is allowed on loopback only")
    return value


def check_label(value: str) -> str:
    if CONTROL.search(value) or not value.strip():
        raise ValueError("must be a line of text")
    return value.strip()


def _scopes(values: tuple[str, ...]) -> tuple[str, ...]:
    # OpenID Connect Core section 3.1.2.1: without it, the request is not one of OpenID Connect.
    if OPENID not in values:
        raise ValueError("must hold openid")
    return values


class ClaimCondition(Section):
    """A claim of the ID token, and the values of which it must have one."""

    claim: str = Field(min_length=1, description="The claim: a text, or a list of texts. Often groups.")
    values: Annotated[Many[str], Field(min_length=1)] = Field(
        description="It must be, or hold, one of these; upper and lower case differ."
    )


class PortalOidc(Section):
    """An OpenID provider."""

    id: Name | None = Field(
        default=None,
        description="What its addresses end with, which tells several providers apart: "
        "/portal/sign-in/callback/ID. null: /portal/sign-in/callback, for one provider.",
    )
    name: Annotated[str, Field(max_length=40), AfterValidator(check_label)] = Field(
        default="single sign-on", description="What people know it as: Sign in with Company login."
    )
    issuer: Annotated[str, AfterValidator(check_provider_url)] = Field(
        description="Its issuer, exactly as it calls itself in its discovery document: an https URL, "
        "or http on loopback."
    )
    client_id: str = Field(min_length=1, description="The gateway's client id at the provider.")
    client_secret: SecretStr = Field(
        min_length=1, description="Its secret, preferably as ${OIDC_SECRET}; sent with HTTP Basic."
    )
    scopes: Annotated[Many[str], AfterValidator(_scopes)] = Field(
        default=("openid", "profile", "email"), description="The scopes that are asked for."
    )
    name_claim: str = Field(
        default="preferred_username",
        min_length=1,
        description="The claim of the ID token that names a new account. Without it, email, name or sub do.",
    )
    admins: ClaimCondition | None = Field(
        default=None,
        description="Who is an administrator, decided at each sign-in. null: nobody of the provider. "
        "Or a mapping.",
    )
    publishers: ClaimCondition | None = Field(
        default=None,
        description="Likewise who is a publisher, among those who are no administrators. null: nobody. "
        "Or a mapping.",
    )
    developers: ClaimCondition | None = Field(
        default=None,
        description="Likewise who of the others is a developer; who is none is a viewer. null: all of them. "
        "Or a mapping.",
    )
    allow: ClaimCondition | None = Field(
        default=None,
        description="Who may sign in. null: everybody whom the provider signs in. Or a mapping.",
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file with the CAs that sign its certificate; null: the system's.",
    )


OidcProviders = Annotated[
    Annotated[PortalOidc, Tag("<one>")] | Annotated[Many[PortalOidc], Field(min_length=1), Tag("<several>")],
    Discriminator(
        one_or_several,
        custom_error_type="oidc",
        custom_error_message="must be a mapping with issuer, client_id and client_secret, or a list of them",
    ),
]
"""One provider, or a list of several."""
