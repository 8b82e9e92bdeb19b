"""Notices by e-mail: the message of one, and the SMTP client that hands it over."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Any, Literal

from gateway.notices.attempts import NoticeAttempt
from gateway.store.notices import QueuedNotice

TIMEOUT = 20.0
"""Seconds for a whole attempt; less than the sender's lease."""
GOOD_BYE = 2.0
"""Seconds for the server to answer QUIT."""
TAKEN, PERMANENT = 250, 500
LONGEST_SUBJECT = 120
LONGEST_VALUE = 2000
_SUBJECTS = {
    "subscription.requested": "{asked_by} asks for the API {api}",
    "subscription.approved": "The subscription to {api} is approved",
    "subscription.refused": "The subscription to {api} is refused",
    "subscription.ended": "The subscription to {api} has ended",
    "user.signed_up": "{user} has signed up and waits for approval",
    "secret.expiring": "The secret {secret} of {client} ends on {expires}",
    "secret.expired": "The secret {secret} of {client} has ended",
    "limit.reached": "{client} has used up its limit {limit_name}",
    "errors.high": "{errors} of {calls} calls of {whose} fail",
}
_PAGES = {
    "subscription": "/portal/subscriptions",
    "user": "/portal/users",
    "secret": "/portal/applications",
    "limit": "/portal/calls",
    "errors": "/portal/calls",
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    trust: ssl.SSLContext | None
    """How its certificate is verified; None without TLS."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MailSender:
    """Who writes, and of which portal."""

    address: str
    title: str
    public_url: str


def one_line(text: str, longest: int) -> str:
    """A text without line breaks and control characters, cut where it is too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def mail_of(notice: QueuedNotice, sender: MailSender) -> EmailMessage:
    """The mail of a notice. All its attempts have the same Message-ID."""
    event = json.loads(notice.body)
    data: dict[str, Any] = event["data"]
    text = "\n".join(_lines(event["type"], data, sender))
    return message_of(notice, notice.to, _subject(event["type"], data), text, sender)


def message_of(notice: QueuedNotice, to: str, subject: str, text: str, sender: MailSender) -> EmailMessage:
    """A mail of plain text to an address."""
    # By RFC 5322 a header is one line: the policy raises ValueError where a value has two.
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender.address
    message["To"] = to
    message["Subject"] = one_line(f"[{sender.title}] {subject}", LONGEST_SUBJECT)
    message["Date"] = format_datetime(datetime.fromtimestamp(notice.created, UTC))
    message["Message-ID"] = f"<{notice.id}@{sender.address.rpartition('@')[2]}>"
    # RFC 3834 section 5: nobody's holiday notice answers it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    return message


def _subject(event: str, data: dict[str, Any]) -> str:
    template = _SUBJECTS.get(event, event)
    client = data.get("client_name") or data.get("client", "")
    shown = {"secret": "", **data, "client": client, "whose": data.get("route") or client}
    try:
        return template.format_map({name: str(value) for name, value in shown.items()})
    except KeyError:
        return event


def _lines(event: str, data: dict[str, Any], sender: MailSender) -> list[str]:
    shown = [f"{_label(name)}: {value_text(value)}" for name, value in data.items()]
    page = _PAGES.get(event.partition(".")[0], "/portal/")
    return [one_line(_subject(event, data), LONGEST_VALUE), "", *shown, "", f"{sender.public_url}{page}"]


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def value_text(value: object) -> str:
    """A value as it stands behind its label."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    # What follows on further lines stands apart, so that it can't be taken for a line of ours.
    return "\n  ".join(one_line(line, LONGEST_VALUE) for line in text[:LONGEST_VALUE].splitlines())


class MailClient:
    """Hands mails over. Each has a connection of its own: there are few."""

    def __init__(self, server: MailServer, sender: MailSender, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._sender = sender
        self._timeout = timeout

    @property
    def sender(self) -> MailSender:
        """Who writes."""
        return self._sender

    async def send(self, notice: QueuedNotice) -> NoticeAttempt:
        """One attempt to hand over a notice for whoever runs the gateway."""
        try:
            message = mail_of(notice, self._sender)
        except ValueError as error:
            return NoticeAttempt(0, type(error).__name__)
        return await self.deliver(message)

    async def deliver(self, message: EmailMessage) -> NoticeAttempt:
        """One attempt to hand over a message to whom its header names."""
        # It needs an extra.
        import aiosmtplib  # noqa: PLC0415

        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=server.trust,
            username=server.username,
            password=server.password,
            timeout=self._timeout,
            local_hostname=self._sender.address.rpartition("@")[2],
        )
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                recipients = [str(message["To"])]
                await client.send_message(message, sender=self._sender.address, recipients=recipients)
        except TimeoutError:
            return NoticeAttempt(0, "no answer in time")
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            # RFC 5321 section 4.2.1: what was answered by 5yz is not to be sent again.
            final = refused.code >= PERMANENT
            return NoticeAttempt(refused.code, f"its recipient was refused ({refused.code})", final=final)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            code = getattr(error, "code", 0)
            words = type(error).__name__
            return NoticeAttempt(0, f"{words} ({code})" if isinstance(code, int) and code else words)
        else:
            # The server has it, whatever comes of the good-bye.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=GOOD_BYE)
            return NoticeAttempt(TAKEN)
        finally:
            client.close()
