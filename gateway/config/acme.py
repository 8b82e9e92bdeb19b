"""`server.listen[].tls.acme`: certificates of an authority that speaks ACME (RFC 8555)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from gateway.config.addresses import HOST_NAME, MAX_HOST_LENGTH, FilePath, Port, split_url
from gateway.config.base import Many, Section

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
HTTP_PORT, HTTPS_PORT = 80, 443
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+=*")
_EMAIL = re.compile(r"[^\s@,?<>]+@[^\s@,?<>]+")


def _check_directory(value: str) -> str:
    """RFC 8555 section 6.1: ACME is spoken over HTTPS alone."""
    parts = split_url(value)
    if parts is None or parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or "#" in value:
        raise ValueError("must be an https URL such as https://acme.example.org/directory")
    return value


def _check_domain(value: str) -> str:
    if value.startswith("*."):
        # RFC 8555 section 8.3 and RFC 8737 section 3: these challenges prove single names.
        raise ValueError("can't be a wildcard: http-01 and tls-alpn-01 prove single names only")
    if len(value) > MAX_HOST_LENGTH or not HOST_NAME.fullmatch(value) or value.replace(".", "").isdigit():
        raise ValueError("must be a DNS name such as api.example.org")
    return value.lower()


def _check_email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address such as ops@example.org")
    return value


def _check_key(value: SecretStr) -> SecretStr:
    """RFC 8555 section 7.3.4: the MAC key is provided in base64url."""
    if not _BASE64URL.fullmatch(value.get_secret_value()):
        raise ValueError("must be in base64url: letters, digits, - and _")
    return value


class ExternalAccount(Section):
    """External account binding (RFC 8555 section 7.3.4)."""

    key_id: str = Field(min_length=1, description="The key identifier that the authority has given you.")
    key: Annotated[SecretStr, AfterValidator(_check_key)] = Field(
        description="The MAC key that belongs to it, in base64url."
    )


class AcmeSettings(Section):
    """A certificate that the gateway orders and renews. Needs the extra `acme`."""

    domains: Many[Annotated[str, AfterValidator(_check_domain)]] = Field(
        min_length=1, description="The DNS names in the certificate. No wildcards."
    )
    directory: Annotated[str, AfterValidator(_check_directory)] = Field(
        default=LETS_ENCRYPT,
        description="The authority's ACME directory. By naming one you agree to its terms of service.",
    )
    email: Annotated[str, AfterValidator(_check_email)] | None = Field(
        default=None, description="Where the authority can reach you. null: nowhere."
    )
    challenge: Literal["http-01", "tls-alpn-01"] = Field(
        default="http-01",
        description="How the authority verifies the names: http-01 by a request to port 80, tls-alpn-01 by a "
        "handshake on port 443.",
    )
    challenge_port: Port | None = Field(
        default=None,
        description="The port of this gateway where these arrive, if something in front of it forwards them "
        "to another one. null: 80 with http-01, 443 with tls-alpn-01.",
    )
    eab: ExternalAccount | None = Field(
        default=None,
        description="External account binding, for authorities that require it. null: none. Or a mapping.",
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file: the CAs to trust for the directory, for private authorities. null: public"
        " ones.",
    )

    @field_validator("domains")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("must name each domain once")
        return value

    @property
    def port(self) -> int:
        """The port of this gateway where challenges arrive."""
        if self.challenge_port is not None:
            return self.challenge_port
        return HTTP_PORT if self.challenge == "http-01" else HTTPS_PORT
