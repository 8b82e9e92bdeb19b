"""A person's own e-mail address: given, confirmed by a link, and what is written to it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, replace
from typing import Literal, get_args

from gateway.oauth.token_encryption import TokenCipher

MailKind = Literal["subscriptions", "secrets", "limits", "errors"]
"""What people choose to be told of. What touches their account's security is always told."""
KINDS: tuple[MailKind, ...] = get_args(MailKind)
LINK_LIFETIME = 86_400
"""Seconds for which a link confirms an address."""
LINK_PATH = "/portal/confirm-email"
LONGEST_TOKEN = 2000
"""Characters of what stands in a link."""
PURPOSE = "e-mail confirmation"
"""What the keys of the links are derived for."""
_SLOT = "e-mail confirmation"


@dataclass(frozen=True, slots=True)
class UserMail:
    """What is known of somebody's address. The names of the members that hold one are left out of the audit
    log.
    """

    email: str = ""
    """The confirmed address, the only one that notices go to; empty: none."""
    pending_email: str = ""
    """The one that waits for being confirmed; empty: none does."""
    asked: int = 0
    """When its link was asked for last, in seconds since the epoch."""
    kinds: tuple[MailKind, ...] = KINDS
    """What its owner wants to be told of."""
    language: str = ""
    """The language of the mails; empty: the portal's first."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not self.email and not self.pending_email

    def wants(self, kind: MailKind | None) -> bool:
        """Whether something is written to the confirmed address. None: it is about security."""
        return bool(self.email) and (kind is None or kind in self.kinds)

    def asking(self, address: str, language: str, now: int) -> UserMail:
        """With another address that waits for being confirmed; the confirmed one stays until then."""
        if address == self.email:
            return replace(self, pending_email="", asked=0, language=language)
        # Each time differs, so that each has a mail of its own.
        asked = max(now, self.asked + 1)
        return replace(self, pending_email=address, asked=asked, language=language)

    def confirmed(self, address: str) -> UserMail | None:
        """With this address confirmed; None: it is not, or no longer, the one that waits."""
        if not address or address != self.pending_email:
            return None
        return replace(self, email=address, pending_email="", asked=0)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a link says: who asked for which address."""

    user_id: str
    address: str
    ends: int
    """Seconds since the epoch."""

    def seal(self, cipher: TokenCipher) -> str:
        """What stands in the link: nobody can read it, or make another one."""
        sealed = cipher.seal(json.dumps([self.user_id, self.address, self.ends]), _SLOT)
        return urlsafe_b64encode(sealed).decode().rstrip("=")


def open_confirmation(cipher: TokenCipher, token: str, now: float) -> Confirmation | None:
    """What a link says; None: it is not one of ours, or it is over."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    try:
        text = cipher.open(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _SLOT)
    except (Base64Error, ValueError):
        return None
    if text is None:
        return None
    user_id, address, ends = json.loads(text)
    return Confirmation(user_id, address, ends) if now < ends else None
