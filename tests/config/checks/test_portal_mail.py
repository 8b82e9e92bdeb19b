"""`portal.notify.email`: what `gatepost check` says of it."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.config.portal_mail import check_mail_address
from tests.config.example import problems, settings

TEXT = """portal:
  notify:
    email:
      from: portal@example.org
      to: [boss@example.org]
      smtp: {smtp}
"""


def mail(smtp: str = "{host: mail.example.org}") -> str:
    return TEXT.format(smtp=smtp)


def test_mail_needs_no_webhook_and_begins_tls() -> None:
    notify = settings(mail()).portal.notify
    assert notify is not None
    assert notify.email is not None
    assert (notify.webhook, notify.email.sender, notify.email.to) == (
        None,
        "portal@example.org",
        ("boss@example.org",),
    )
    assert (notify.email.smtp.tls, notify.email.smtp.port) == ("starttls", None)


def test_a_password_is_taken_from_the_environment_and_never_shown() -> None:
    text = mail('{host: mail.example.org, username: me, password: "${SMTP_PASSWORD}"}')
    found = settings(text, {"SMTP_PASSWORD": "mail s3cret"})
    assert "mail s3cret" not in repr(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_of_this_machine_may_be_signed_in_to_without_tls(host: str) -> None:
    assert settings(mail(f"{{host: {host}, tls: none, username: a, password: b}}")).portal.notify


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("portal:\n  notify: {}\n", "2:11: portal.notify: needs a webhook or email: else nobody is told"),
        (mail("{host: m.example, tls: none, username: a, password: b}"), "6:36: portal.notify.email.smtp"),
        (mail("{host: m.example, username: a}"), "portal.notify.email.smtp: needs both"),
        (mail("{host: m.example, password: b}"), "portal.notify.email.smtp: needs both"),
        (mail("{host: m.example, ca: none.pem}"), "portal.notify.email.smtp.ca: there is no such file"),
        (mail("{host: m.example, tls: maybe}"), "portal.notify.email.smtp.tls"),
        (mail("{host: m.example, port: 0}"), "portal.notify.email.smtp.port"),
        (mail("{host: 'm.example:25'}"), "portal.notify.email.smtp.host: must be"),
        (mail().replace("[boss@example.org]", "[]"), "portal.notify.email.to"),
        (mail().replace("boss@example.org", "Boss <b@x>"), "portal.notify.email.to[0]: must be"),
        (mail().replace("portal@example.org", '"a@x\\r\\nBcc: b@x"'), "4:13: portal.notify.email.from: must"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_key(text: str, says: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert says in found[0]


def test_the_extra_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != "aiosmtplib")
    (found,) = problems(mail())
    assert "needs the extra email, which isn't installed: pip install 'gatepost[email]'" in found


def test_an_address_is_only_an_address() -> None:
    assert check_mail_address("a@example.org") == "a@example.org"
    with pytest.raises(ValueError, match="without a name"):
        check_mail_address("A <a@example.org>")
