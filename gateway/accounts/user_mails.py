"""People's own e-mail addresses: asked for, confirmed by a link, changed and removed by their owners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.mail_address import mailbox_of, typed_address
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user import User
from gateway.oauth.user_mail import KINDS, Confirmation, MailKind, UserMail, open_confirmation
from gateway.store.user_mails import StoredUserMail, UserMailChanged
from gateway.translation.text import gettext

PER_USER, USER_SECONDS = 5, 3600
"""Mails with a link that somebody can have sent in so many seconds."""
PER_MAILBOX, MAILBOX_SECONDS = 3, 86_400
"""The same to one mailbox, whoever asks: nobody fills a stranger's with them."""
TRIES = 5
"""Attempts, where a person's address is changed twice at the same time."""


class MailAddressRefused(GatepostError):  # noqa: N818 (it says what the matter is)
    """A text is no e-mail address. The text, for its owner, says so."""


class UserMailRepository(Protocol):
    """Where addresses are (`gateway.store.user_mails.UserMailStore`)."""

    async def read(self, user_id: str) -> StoredUserMail:
        """A person's address."""

    async def replace(self, user_id: str, before: StoredUserMail, after: UserMail, action: str = "") -> None:
        """Writes a person's address, and tells listeners. Raises UserMailChanged."""


class UsedLinks(Protocol):
    """Which links were asked for within some time (`gateway.store.replay_cache.ReplayCache`)."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use within so many seconds. Raises StoreUnavailable."""


Check = Callable[[UserMail], None]
"""Sees what is changed, in the same step, and may raise."""


def anything(_: UserMail) -> None:
    """Whatever it is, it may be changed."""


class UserMails:
    """Every method raises StoreUnavailable unless the store has answered.

    Mails are not sent here: whoever listens to the store's changes puts them among the notices.
    """

    def __init__(self, store: UserMailRepository, once: UsedLinks, cipher: TokenCipher, clock: Clock) -> None:
        self._store = store
        self._once = once
        self._cipher = cipher
        self._clock = clock

    async def read(self, user: User) -> UserMail:
        """What is known of a person's address."""
        return (await self._store.read(user.id)).mail

    async def save(
        self,
        user: User,
        text: str | None,
        kinds: Sequence[MailKind] | None,
        language: str,
        check: Check = anything,
    ) -> UserMail:
        """Asks for another address, and sets what is told; None: that stays. A mail with a link goes to an
        address that is not confirmed. `language`: of the mails; empty: it stays.

        Raises:
            MailAddressRefused: it is no address.
            TooManyAttempts: too many mails with links went out.
            UserMailChanged: it never stays as it is.
        """
        address = None if text is None else _address(text)
        present = await self.read(user)
        check(present)
        asks = address is not None and address != present.email
        if asks:
            await self._count(user, address or "")

        def saved(mail: UserMail) -> UserMail:
            check(mail)
            chosen = mail if kinds is None else replace(mail, kinds=_in_order(kinds))
            spoken = language or mail.language
            if address is None:
                return replace(chosen, language=spoken)
            return chosen.asking(address, spoken, int(self._clock()))

        return await self._change(user.id, saved, "mail.ask" if asks else "")

    async def send_again(self, user: User, language: str) -> UserMail:
        """Another link for the address that waits, if one does. Raises TooManyAttempts."""
        pending = (await self.read(user)).pending_email
        return await self.save(user, pending, None, language) if pending else await self.read(user)

    async def trust(self, user: User, text: str, language: str) -> UserMail:
        """Confirms an address that the person's OpenID provider has verified. Raises MailAddressRefused."""
        address = _address(text)

        def trusted(mail: UserMail) -> UserMail:
            return replace(mail, email=address, pending_email="", asked=0, language=language)

        return await self._change(user.id, trusted, "mail.confirm")

    async def remove(self, user: User, check: Check = anything) -> None:
        """Forgets a person's address, and the one that waits."""

        def removed(mail: UserMail) -> UserMail:
            check(mail)
            return UserMail()

        await self._change(user.id, removed, "mail.remove")

    async def opened(self, token: str) -> Confirmation | None:
        """What a link confirms; None: it is over, was used, or another address was asked for since."""
        found = open_confirmation(self._cipher, token, self._clock())
        if found is None:
            return None
        mail = (await self._store.read(found.user_id)).mail
        return found if mail.confirmed(found.address) is not None else None

    async def confirm(self, token: str) -> bool:
        """Confirms the address of a link; False: as above."""
        found = open_confirmation(self._cipher, token, self._clock())
        if found is None:
            return False
        done = False

        def confirmed(mail: UserMail) -> UserMail:
            nonlocal done
            after = mail.confirmed(found.address)
            done = after is not None
            return mail if after is None else after

        await self._change(found.user_id, confirmed, "mail.confirm")
        return done

    async def _change(self, user_id: str, change: Callable[[UserMail], UserMail], action: str) -> UserMail:
        for left in reversed(range(TRIES)):
            before = await self._store.read(user_id)
            after = change(before.mail)
            if after == before.mail or (after.empty and not before.data):
                return after
            try:
                await self._store.replace(user_id, before, after, action)
            except UserMailChanged:
                if not left:
                    raise
            else:
                return after
        raise AssertionError  # for mypy: the last attempt has raised

    async def _count(self, user: User, address: str) -> None:
        """Counts a mail. Raises TooManyAttempts where there were too many."""
        await self._take("mail-user", user.id, PER_USER, USER_SECONDS)
        await self._take("mail-box", mailbox_of(address), PER_MAILBOX, MAILBOX_SECONDS)

    async def _take(self, purpose: str, name: str, most: int, seconds: int) -> None:
        for place in range(most):
            if await self._once.first(purpose, f"{place} {name}", seconds):
                return
        raise TooManyAttempts(seconds, text=gettext("Too many mails with links were asked for."))


def _address(text: str) -> str:
    address = typed_address(text)
    if address is None:
        raise MailAddressRefused(gettext("This is not an e-mail address such as ann@example.org."))
    return address


def _in_order(kinds: Sequence[MailKind]) -> tuple[MailKind, ...]:
    return tuple(one for one in KINDS if one in kinds)
