"""Notices at people's own e-mail addresses: who gets one, and the mail that goes to each."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from gettext import NullTranslations
from typing import Any, NamedTuple

from gateway.notices.attempts import NoticeAttempt
from gateway.notices.events import ADDRESS_CHANGED, ADDRESS_CONFIRM, KIND_OF
from gateway.notices.mail import MailClient, message_of
from gateway.notices.outbox import ONE, OWNERS
from gateway.notices.user_mail_text import ACCOUNT, user_mail_text
from gateway.oauth.team import TEAM_OWNER
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user import is_person
from gateway.oauth.user_mail import LINK_LIFETIME, LINK_PATH, Confirmation, UserMail
from gateway.store import Store
from gateway.store.notices import PERSON, QueuedNotice
from gateway.translation.catalogue import CatalogueError, Catalogues
from gateway.translation.languages import Language, choose
from gateway.translation.text import IN_ENGLISH, speaking

log = logging.getLogger("gatepost")


class _Letter(NamedTuple):
    """Where a mail goes."""

    address: str
    language: str
    link: str = ""


class UserMailSender:
    """Writes to people at the addresses that they have confirmed."""

    def __init__(
        self,
        store: Store,
        mail: MailClient,
        cipher: TokenCipher,
        languages: Sequence[Language],
        catalogues: Catalogues,
    ) -> None:
        """`cipher` seals the links that confirm an address. `languages`: those of the portal, the first one
        for whoever has another.
        """
        self._store = store
        self._mail = mail
        self._cipher = cipher
        self._languages = tuple(languages)
        self._catalogues = catalogues

    async def people(self, notice: QueuedNotice) -> Sequence[str]:
        """The ids of the people who want a notice. Raises StoreUnavailable."""
        event = json.loads(notice.body)
        if notice.to.startswith(ONE):
            one = notice.to.removeprefix(ONE)
            # These go to an address that is not, or no longer, the confirmed one.
            sure = event["type"] in (ADDRESS_CONFIRM, ADDRESS_CHANGED)
            return (one,) if sure or await self._wants(one, event["type"]) else ()
        found = await self._owners(notice.to.removeprefix(OWNERS), event["data"].get("asked_by", ""))
        return [one for one in found if await self._wants(one, event["type"])]

    async def hand_over(self, notice: QueuedNotice) -> NoticeAttempt | None:
        """One attempt; None: its person wants it no longer. Raises StoreUnavailable."""
        event, person = json.loads(notice.body), notice.to.removeprefix(PERSON)
        letter = await self._letter(person, event["type"], event["data"], notice)
        if letter is None:
            return None
        data = await self._with_names(person, event["data"])
        sender, (language, words) = self._mail.sender, await self._words(letter.language)
        with speaking(language, words):
            made = user_mail_text(event["type"], data, sender, letter.link)
        try:
            message = message_of(notice, letter.address, made.subject, made.text, sender)
        except ValueError as error:
            return NoticeAttempt(0, type(error).__name__, final=True)
        message["Content-Language"] = language.tag
        if made.optional:
            # RFC 2369 section 3.2. It is a page to sign in to: RFC 8058's single click would need a secret.
            message["List-Unsubscribe"] = f"<{sender.public_url}{ACCOUNT}>"
        return await self._mail.deliver(message)

    async def _owners(self, application_id: str, asked_by: str) -> Sequence[str]:
        """Who is told of an application: its owner; of a team's, the team's owners and who has asked."""
        application = await self._store.applications.get(application_id)
        if application is None:
            return ()
        if is_person(application.owner):
            return (application.owner,)
        team = None
        if application.owner.startswith(TEAM_OWNER):
            team = await self._store.teams.get(application.owner)
        if team is None:
            return ()
        asker = await self._store.users.get(asked_by) if asked_by else None
        also = (asker.id,) if asker is not None and team.role_of(asker.id) is not None else ()
        return tuple(dict.fromkeys((*team.owner_ids, *also)))

    async def _wants(self, person: str, event: str) -> bool:
        return await self._may_tell(person, (await self._store.user_mails.read(person)).mail, event)

    async def _may_tell(self, person: str, mail: UserMail, event: str) -> bool:
        return mail.wants(KIND_OF.get(event)) and await self._is_let_in(person)

    async def _is_let_in(self, person: str) -> bool:
        """Whether somebody may use the portal. Of users of gateway.yaml, who are gone has no address."""
        if not person.startswith("store:"):
            return True
        user = await self._store.users.get_by_id(person)
        return user is not None and not user.blocked and not user.pending

    async def _letter(
        self, person: str, event: str, data: dict[str, Any], notice: QueuedNotice
    ) -> _Letter | None:
        if event == ADDRESS_CHANGED:
            return _Letter(str(data["to"]), str(data["language"]))
        mail = (await self._store.user_mails.read(person)).mail
        if event == ADDRESS_CONFIRM:
            # Another address may have been asked for since; that has a notice of its own.
            waits = mail.pending_email and mail.asked == data["asked"]
            return self._confirming(person, mail, notice) if waits else None
        return _Letter(mail.email, mail.language) if await self._may_tell(person, mail, event) else None

    def _confirming(self, person: str, mail: UserMail, notice: QueuedNotice) -> _Letter:
        # The link is made here, so that nobody who reads the store can confirm anything.
        token = Confirmation(person, mail.pending_email, notice.created + LINK_LIFETIME).seal(self._cipher)
        link = f"{self._mail.sender.public_url}{LINK_PATH}?token={token}"
        return _Letter(mail.pending_email, mail.language, link)

    async def _with_names(self, person: str, data: dict[str, Any]) -> dict[str, Any]:
        """The event with what its application and its person are called."""
        named = {}
        if "application" in data:
            application = await self._store.applications.get(data["application"])
            named["application_name"] = "" if application is None else application.name
        else:
            named["user"] = (await self._store.users.names([person])).get(person, "")
        return data | named

    async def _words(self, tag: str) -> tuple[Language, NullTranslations]:
        language = choose(self._languages, tag, "")
        known = self._catalogues.known(language)
        if known is not None:
            return language, known
        try:
            return language, await asyncio.to_thread(self._catalogues.read, language)
        except (OSError, CatalogueError) as error:
            log.error("the catalogue of the language %s can't be read: %s", language.tag, error)
            return language, IN_ENGLISH
