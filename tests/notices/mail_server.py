"""A real SMTP server (aiosmtpd) that keeps what it is given, with TLS and credentials on demand."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.ports import free_port

USER, WORD = "portal", "mail s3cret"


@dataclass
class MailBox:
    """What has come, and what the server answers."""

    port: int = 0
    refuse: str = ""
    """The answer to RCPT; empty: it is taken."""
    answer: str = "250 OK"
    """The answer to the mail."""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        return self.answer


class _Server(Controller):
    def __init__(self, box: MailBox, implicit: ssl.SSLContext | None, **options: Any) -> None:
        self._options = options
        super().__init__(box, hostname="127.0.0.1", port=box.port, ssl_context=implicit)

    def factory(self) -> SMTP:
        return SMTP(self.handler, **self._options)


def _signs_in(_: Any, __: Any, ___: Any, mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword), mechanism
    return AuthResult(handled=False, success=(data.login, data.password) == (USER.encode(), WORD.encode()))


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False, port: int = 0
) -> Iterator[MailBox]:
    """`tls`: what it encrypts with, by STARTTLS unless `implicit`. With it, who sends must sign in."""
    box = MailBox(port or free_port())
    options: dict[str, Any] = {}
    if tls is not None:
        options = {"auth_required": True, "authenticator": _signs_in, "auth_require_tls": not implicit}
        if not implicit:
            options |= {"tls_context": tls, "require_starttls": True}
    server = _Server(box, tls if implicit else None, **options)
    server.start()
    try:
        yield box
    finally:
        server.stop()
