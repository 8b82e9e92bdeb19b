"""Checks of `portal.notify.email`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.addresses import is_loopback_host
from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings
from gateway.config.model import Settings

LIBRARY = "aiosmtplib"
_PATH = ("portal", "notify", "email")


def mail_usable(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The extra is installed, and the server can be signed in to."""
    mail = None if settings.portal.notify is None else settings.portal.notify.email
    if mail is None:
        return
    if not context.installed(LIBRARY):
        text = "needs the extra email, which isn't installed: pip install 'gatepost[email]'"
        yield CheckFinding(_PATH, text)
    path, smtp = (*_PATH, "smtp"), mail.smtp
    yield from client_tls_findings(path, context, smtp.ca)
    if smtp.ca is not None and smtp.tls == "none":
        yield CheckFinding((*path, "ca"), "has no effect: tls is none")
    if (smtp.username is None) != (smtp.password is None):
        yield CheckFinding(path, "needs both username and password, or neither")
    elif smtp.username is not None and smtp.tls == "none" and not is_loopback_host(smtp.host):
        yield CheckFinding((*path, "tls"), "none would send the password in clear: use starttls or implicit")
