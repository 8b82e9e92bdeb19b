"""People's own e-mail addresses, where `portal.notify.email` says how mails are sent."""

from __future__ import annotations

import secrets
from pathlib import Path

from gateway.accounts.user_mails import UserMails
from gateway.assembly.tokens import configured_keys
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.notices.mail import MailClient
from gateway.notices.user_mails import UserMailSender
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user_mail import PURPOSE
from gateway.store import Store
from gateway.translation.catalogue import Catalogues, languages


def user_mails(settings: Settings, store: Store, clock: Clock) -> UserMails | None:
    """What changes them; None: nobody can be written to."""
    if settings.portal.mail is None:
        return None
    return UserMails(store.user_mails, store.once, _cipher(settings), clock)


def user_mail_sender(settings: Settings, store: Store, mail: MailClient | None) -> UserMailSender | None:
    """What writes to them; None: there is no server for it, or no portal to sign in to."""
    if mail is None or not settings.portal.enabled:
        return None
    own = own_catalogues(settings)
    offered = languages(settings.portal.languages, own)
    return UserMailSender(store, mail, _cipher(settings), offered, Catalogues(own))


def own_catalogues(settings: Settings) -> dict[str, Path]:
    """The operator's catalogues by language."""
    return {file.stem: file for file in settings.portal.catalogues}


def _cipher(settings: Settings) -> TokenCipher:
    return TokenCipher(configured_keys(settings).derive(PURPOSE), secrets.token_bytes)
