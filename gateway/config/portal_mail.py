"""`portal.notify.email`: to whom notices go by e-mail, and over which server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.addresses import FilePath, Host
from gateway.config.base import Many, Section
from gateway.config.value_types import CONTROL
from gateway.oauth.mail_address import is_mail_address

PORTS = {"starttls": 587, "implicit": 465, "none": 25}
"""The usual ports (RFC 6409, RFC 8314, RFC 5321), by `tls`."""
MOST_RECIPIENTS = 20


def check_mail_address(value: str) -> str:
    """Validates an e-mail address."""
    if not is_mail_address(value):
        raise ValueError("must be an e-mail address such as portal@example.org, without a name")
    return value


def _credential(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text or CONTROL.search(text):
        raise ValueError("must be a line of text")
    return secret


MailAddress = Annotated[str, AfterValidator(check_mail_address)]


class SmtpServer(Section):
    """The server that takes the mails."""

    host: Host = Field(description="Its name or address. Its certificate must be for it.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="null: 587 with starttls, 465 with implicit, 25 with none."
    )
    tls: Literal["starttls", "implicit", "none"] = Field(
        default="starttls",
        description="starttls: TLS is begun by a command, and nothing is sent without it. implicit: TLS from "
        "the beginning. none: plain, for a server of one's own network.",
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file with the CAs that sign its certificate; null: the system's.",
    )
    username: str | None = Field(default=None, min_length=1, description="Who signs in there; null: nobody.")
    password: Annotated[SecretStr, AfterValidator(_credential)] | None = Field(
        default=None, description="The password, preferably as ${SMTP_PASSWORD} or ${file:/run/secrets/smtp}."
    )


class PortalMail(Section):
    """Notices by e-mail."""

    sender: MailAddress = Field(
        alias="from", description="The address that they come from, such as portal@example.org."
    )
    to: Annotated[Many[MailAddress], Field(min_length=1, max_length=MOST_RECIPIENTS)] = Field(
        description="Who decides about subscriptions and sign-ups: up to 20 addresses, each of which gets a "
        "mail of its own."
    )
    smtp: SmtpServer = Field(description="The server that takes the mails: a mapping.")
