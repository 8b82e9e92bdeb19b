"""`server.listen[].tls`: which certificates a listener has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from gateway.config.acme import AcmeSettings
from gateway.config.addresses import FilePath
from gateway.config.base import Many, Section


class TlsFiles(Section):
    """A certificate from files."""

    certificate: FilePath = Field(description="PEM file: the certificate and its chain.")
    key: FilePath = Field(description="PEM file: the private key, without a password.")
    client_ca: FilePath | None = Field(
        default=None,
        description="PEM file: the CAs that client certificates are verified against, and self-signed"
        " certificates of clients. Client certificates are requested, not required.",
    )


class TlsAcme(Section):
    """A certificate by ACME."""

    acme: AcmeSettings = Field(
        description="In place of certificate and key: a certificate that the gateway orders by ACME, keeps"
        " in state_dir and renews. Needs the extra acme."
    )
    client_ca: FilePath | None = Field(
        default=None,
        description="PEM file: the CAs that client certificates are verified against, and self-signed"
        " certificates of clients. Client certificates are requested, not required.",
    )


def _one_kind(value: Any) -> str | None:
    if isinstance(value, TlsAcme) or (isinstance(value, dict) and "acme" in value):
        return "<acme>"
    files = isinstance(value, TlsFiles) or (isinstance(value, dict) and {"certificate", "key"} & value.keys())
    return "<files>" if files else None


def _tls_kind(value: Any) -> str | None:
    if value == "auto":
        return "<auto>"
    return "<several>" if isinstance(value, list | tuple) else _one_kind(value)


OneCertificate = Annotated[
    Annotated[TlsFiles, Tag("<files>")] | Annotated[TlsAcme, Tag("<acme>")],
    Discriminator(
        _one_kind,
        custom_error_type="tls",
        custom_error_message="must be a mapping with certificate and key, or with acme",
    ),
]

Tls = Annotated[
    Annotated[Literal["auto"], Tag("<auto>")]
    | Annotated[TlsFiles, Tag("<files>")]
    | Annotated[TlsAcme, Tag("<acme>")]
    | Annotated[Many[OneCertificate], Field(min_length=1), Tag("<several>")],
    Discriminator(
        _tls_kind,
        custom_error_type="tls",
        custom_error_message="must be auto, a mapping with certificate and key, or with acme, or a list of"
        " such mappings",
    ),
]
