"""What people are written at their own e-mail addresses, in the language that is spoken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.notices.events import ADDRESS_CHANGED, ADDRESS_CONFIRM, KIND_OF
from gateway.notices.mail import LONGEST_VALUE, MailSender, one_line, value_text
from gateway.translation.text import gettext, gettext_noop

ACCOUNT = "/portal/account/email"
_SUBJECTS = {
    ADDRESS_CONFIRM: gettext_noop("Confirm your e-mail address"),
    ADDRESS_CHANGED: gettext_noop("Your e-mail address was changed"),
    "password.changed": gettext_noop("Your password was changed"),
    "passkey.added": gettext_noop("A passkey was added to your account"),
    "passkey.removed": gettext_noop("A passkey was removed from your account"),
    "subscription.approved": gettext_noop("The subscription to %(api)s is approved"),
    "subscription.refused": gettext_noop("The subscription to %(api)s is refused"),
    "subscription.ended": gettext_noop("The subscription to %(api)s has ended"),
    "secret.expiring": gettext_noop("A secret of %(client)s ends soon"),
    "secret.expired": gettext_noop("A secret of %(client)s has ended"),
    "limit.reached": gettext_noop("%(client)s has used up a limit"),
    "errors.high": gettext_noop("Many calls of %(client)s fail"),
}
_LABELS = {
    "application_name": gettext_noop("Application"),
    "api": gettext_noop("API"),
    "scopes": gettext_noop("Scopes"),
    "tier": gettext_noop("Tier"),
    "decided_by": gettext_noop("Decided by"),
    "answer": gettext_noop("Note"),
    "client": gettext_noop("Consumer key"),
    "secret": gettext_noop("Secret"),
    "expires": gettext_noop("Ends"),
    "route": gettext_noop("Route"),
    "limit_name": gettext_noop("Limit"),
    "limit": gettext_noop("Calls allowed"),
    "ends": gettext_noop("Until"),
    "calls": gettext_noop("Calls"),
    "errors": gettext_noop("Errors"),
    "passkey": gettext_noop("Passkey"),
}
"""What is shown of an event, in this order."""


class UserMailText(NamedTuple):
    """A mail without its addresses."""

    subject: str
    text: str
    optional: bool
    """Whether people choose to get it."""


def user_mail_text(event: str, data: Mapping[str, Any], sender: MailSender, link: str = "") -> UserMailText:
    """The mail of an event. `link`: what confirms an address."""
    optional = event in KIND_OF
    subject = _subject(event, data)
    paragraphs = [one_line(subject, LONGEST_VALUE) + "."]
    if link:
        paragraphs += _confirmation(data, sender, link)
    elif event == ADDRESS_CHANGED:
        paragraphs.append(_changed(data))
    if facts := "\n".join(_facts(data)):
        paragraphs.append(facts)
    if not link:
        paragraphs.append(f"{sender.public_url}{_page(event, data)}")
    if optional:
        choose = gettext("You choose on this page what you are told by e-mail:")
        paragraphs.append(f"{choose}\n{sender.public_url}{ACCOUNT}")
    elif not link:
        paragraphs.append(
            gettext("If this was not you, change your password, and tell whoever runs the portal.")
        )
    return UserMailText(subject, "\n\n".join(paragraphs) + "\n", optional)


def _subject(event: str, data: Mapping[str, Any]) -> str:
    if event not in _SUBJECTS:
        return event
    name = data.get("client_name") or data.get("application_name") or data.get("client", "")
    return gettext(_SUBJECTS[event], api=data.get("api", ""), client=name)


def _confirmation(data: Mapping[str, Any], sender: MailSender, link: str) -> Iterator[str]:
    names = {
        "user": one_line(str(data.get("user", "")), LONGEST_VALUE),
        "portal": one_line(sender.title, LONGEST_VALUE),
    }
    yield gettext(
        "Somebody, probably you, gave this address for the account %(user)s of the developer portal "
        "%(portal)s. Open this page within 24 hours to confirm it:",
        **names,
    )
    yield link
    yield gettext("If it was not you, do nothing: you are not written to then.")


def _changed(data: Mapping[str, Any]) -> str:
    if data.get("removed"):
        return gettext("The address that this mail goes to was removed from your account.")
    return gettext("Mails to your account go to another address from now on, and no longer to this one.")


def _facts(data: Mapping[str, Any]) -> Iterator[str]:
    for name, label in _LABELS.items():
        if data.get(name):
            yield f"{gettext(label)}: {value_text(data[name])}"


def _page(event: str, data: Mapping[str, Any]) -> str:
    if event not in KIND_OF:
        return "/portal/account"
    application = data.get("application", "")
    return f"/portal/applications/{application}" if application else "/portal/applications"
