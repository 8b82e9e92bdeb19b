"""`upstreams.<name>.auth`: credentials that the gateway shows to an upstream."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.base import Section
from gateway.config.issuers import check_endpoint
from gateway.config.resilience import SecretHeaderValue
from gateway.config.value_types import CONTROL, ClientId, check_scope
from gateway.http.header_names import FreeHeaderName


def _check_scopes(value: str) -> str:
    """RFC 6749 section 3.3: scope tokens with one space between them."""
    for one in value.split(" "):
        check_scope(one)
    return value


def _check_user(value: str) -> str:
    """RFC 7617 section 2: a user-id must not have a colon."""
    if ":" in value or CONTROL.search(value):
        raise ValueError("must not have a colon or a control character")
    return value


def _check_password(value: SecretStr) -> SecretStr:
    if CONTROL.search(value.get_secret_value()):
        raise ValueError("must not have control characters (a line break at its end?)")
    return value


class ClientCredentialsAuth(Section):
    """Access tokens of an authorization server, by the client credentials grant."""

    token_url: Annotated[str, AfterValidator(check_endpoint)] = Field(
        description="The token endpoint of the upstream's authorization server."
    )
    client_id: ClientId = Field(description="The gateway's client id there.")
    client_secret: Annotated[SecretStr, Field(min_length=1), AfterValidator(_check_password)] = Field(
        description="Its secret, sent with HTTP Basic."
    )
    scope: Annotated[str, AfterValidator(_check_scopes)] | None = Field(
        default=None, description="The scopes to ask for, with spaces between them. null: none are named."
    )


class BasicAuth(Section):
    """HTTP Basic (RFC 7617)."""

    user: Annotated[str, Field(min_length=1), AfterValidator(_check_user)] = Field(
        description="The user name."
    )
    password: Annotated[SecretStr, AfterValidator(_check_password)] = Field(description="The password.")


class HeaderAuth(Section):
    """A header with a fixed value, such as an API key."""

    name: FreeHeaderName = Field(description="The header's name.")
    value: Annotated[SecretHeaderValue, Field(min_length=1)] = Field(description="Its value.")


class UpstreamAuth(Section):
    """Credentials of the gateway at an upstream; one kind of them."""

    client_credentials: ClientCredentialsAuth | None = Field(
        default=None,
        description="An access token in Authorization: fetched with the client credentials grant, cached and "
        "renewed before it ends. null: none. Or a mapping.",
    )
    basic: BasicAuth | None = Field(
        default=None, description="User and password in Authorization. null: none. Or a mapping."
    )
    header: HeaderAuth | None = Field(
        default=None, description="A header with a fixed value. null: none. Or a mapping."
    )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are configured."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def header_name(self) -> str:
        """The header that has the credentials."""
        return "Authorization" if self.header is None else self.header.name
