"""Notices at people's own addresses: who gets one, what it says, and to whom it goes at last."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.notices.application_webhooks import MOST_WAITING, surplus
from gateway.notices.events import ADDRESS_CHANGED, ADDRESS_CONFIRM, ENDS, KIND_OF, PortalEvent
from gateway.notices.mail import MailClient, MailSender, MailServer, message_of
from gateway.notices.outbox import ONE, OWNERS, NoticeOutbox
from gateway.notices.user_mail_text import user_mail_text
from gateway.notices.user_mails import UserMailSender
from gateway.oauth.application import Application
from gateway.oauth.team import Member, Team
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user import User
from gateway.oauth.user_mail import LINK_LIFETIME, MailKind, UserMail, open_confirmation
from gateway.store import Store
from gateway.store.notices import PERSON, QueuedNotice
from gateway.store.user_mails import StoredUserMail
from gateway.translation.catalogue import Catalogues
from gateway.translation.languages import SHIPPED
from tests.notices.mail_server import MailBox, mail_server
from tests.ports import free_port
from tests.services import Clock

SENDER = MailSender("portal@example.org", "Acme APIs", "https://portal.example.org")
CIPHER = TokenCipher([b"k" * 32], secrets.token_bytes)
NOW = 1_800_000_000
DECIDED = {"application": "app1", "api": "Orders", "answer": "fine", "decided_by": "boss", "asked_by": "bob"}
EVIL = "x\r\nBcc: all@example.org\r\n\r\n.\nMAIL FROM:<e@example.org>\u2028Bcc: a\x0b\x0cTo: b\x85Cc: c\0"


def notice(event: str, receiver: str, **data: Any) -> QueuedNotice:
    body = json.dumps({"type": event, "timestamp": "2027-01-15T08:00:00Z", "data": data})
    return QueuedNotice("msg_1", body, NOW, NOW, to=receiver)


class Stage:
    """People of one store, and who writes to them."""

    def __init__(self, store: Store, port: int, languages: Any = SHIPPED, own: Any = None) -> None:
        self.store = store
        self.mail = MailClient(MailServer("127.0.0.1", port, "none", None), SENDER)
        self.sender = UserMailSender(store, self.mail, CIPHER, languages, Catalogues(own))

    async def user(self, name: str, mail: UserMail | None = None, **changes: Any) -> str:
        made = await self.store.users.create(User(name, "$argon2id$hash", source="store", **changes))
        if mail is not None:
            await self.store.user_mails.replace(made.id, StoredUserMail(), mail)
        return made.id

    async def changed(self, person: str, mail: UserMail) -> None:
        await self.store.user_mails.replace(person, await self.store.user_mails.read(person), mail)

    async def people(self, event: str, **data: Any) -> list[str]:
        return list(await self.sender.people(notice(event, f"{OWNERS}app1", **{**DECIDED, **data})))


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_server() as one:
        yield one


@pytest.fixture
def stage(store: Store, box: MailBox) -> Stage:
    return Stage(store, box.port)


def confirmed(name: str, *kinds: MailKind, language: str = "") -> UserMail:
    chosen = kinds or UserMail().kinds
    return UserMail(f"{name}@example.org", kinds=chosen, language=language)


async def test_the_owner_with_a_confirmed_user_mail_who_wants_it_is_told(stage: Stage) -> None:
    ann = await stage.user("ann", confirmed("ann", "subscriptions", "secrets"))
    await stage.store.applications.create(Application("app1", "Shop", ann))
    told = {event: await stage.people(event) for event in KIND_OF}
    wanted = ("subscription.approved", "subscription.refused", "subscription.ended", *ENDS)
    assert {event for event, people in told.items() if people == [ann]} == set(wanted)
    assert {event for event, people in told.items() if people == []} == set(KIND_OF) - set(wanted)


@pytest.mark.parametrize("state", ["blocked", "pending"])
async def test_who_is_not_let_in_or_has_confirmed_no_user_mail_is_not_told(stage: Stage, state: str) -> None:
    ann = await stage.user("ann", confirmed("ann"), **{state: True})
    bob = await stage.user("bob", UserMail("", "bob@example.org"))
    await stage.store.applications.create(Application("app1", "Shop", ann))
    await stage.store.applications.create(Application("app2", "Shop", bob))
    assert await stage.people("subscription.approved") == []
    told = await stage.sender.people(notice("subscription.approved", f"{OWNERS}app2", **DECIDED))
    assert list(told) == []
    assert list(await stage.sender.people(notice("password.changed", ONE + ann, user="ann"))) == []
    assert await stage.sender.hand_over(notice("password.changed", PERSON + ann, user="ann")) is None


async def test_owners_of_a_team_and_who_asked_are_told_by_mail(stage: Stage) -> None:
    people = [await stage.user(name, confirmed(name)) for name in ("ann", "bob", "cid", "dan")]
    members = (Member(people[0], "owner"), Member(people[1], "member"), Member(people[2], "member"))
    team = Team("team:" + "a" * 24, "Ours", members)
    await stage.store.teams.create(team)
    await stage.store.applications.create(Application("app1", "Shop", team.id))
    assert await stage.people("subscription.refused") == people[:2]
    assert await stage.people("limit.reached", asked_by="") == people[:1]
    assert await stage.people("subscription.refused", asked_by="dan") == people[:1], "who left is not told"
    await stage.store.teams.delete(team.id)
    assert await stage.people("subscription.refused") == []


@pytest.mark.parametrize("owner", ["client:robot", "store:gone", "team:" + "b" * 24])
async def test_an_application_of_nobody_s_tells_nobody_by_mail(stage: Stage, owner: str) -> None:
    assert await stage.people("subscription.ended") == [], "there is no such application"
    await stage.store.applications.create(Application("app1", "Shop", owner))
    assert await stage.people("subscription.ended") == []


async def test_a_decision_goes_to_the_user_mail_of_the_moment(stage: Stage, box: MailBox) -> None:
    ann = await stage.user("ann", confirmed("ann", language="de"))
    await stage.store.applications.create(Application("app1", "Shop", ann))
    one = notice("subscription.approved", PERSON + ann, **DECIDED)
    attempt = await stage.sender.hand_over(one)
    assert attempt is not None
    assert attempt.taken
    (mail,) = box.mails
    assert box.recipients == [["ann@example.org"]]
    assert mail["Subject"] == "[Acme APIs] Das Abonnement von Orders ist genehmigt"
    assert mail["Message-ID"] == "<msg_1@example.org>"
    assert (mail["Content-Language"], mail["Date"]) == ("de", "Fri, 15 Jan 2027 08:00:00 +0000")
    assert mail["List-Unsubscribe"] == "<https://portal.example.org/portal/account/email>"
    assert "Anwendung: Shop" in mail.get_content()
    await stage.changed(ann, confirmed("ann", "errors"))
    assert await stage.sender.hand_over(one) is None, "it was unticked while it waited"
    await stage.changed(ann, UserMail())
    assert await stage.sender.hand_over(one) is None
    assert len(box.mails) == 1


async def test_the_link_for_a_user_mail_is_made_when_it_is_sent(stage: Stage, box: MailBox) -> None:
    waits = UserMail("ann@example.org", "new@example.org", 77)
    ann = await stage.user("ann", waits)
    one = notice(ADDRESS_CONFIRM, PERSON + ann, asked=77)
    assert list(await stage.sender.people(replace(one, to=ONE + ann))) == [ann]
    assert "new@example.org" not in one.body
    attempt = await stage.sender.hand_over(one)
    assert attempt is not None
    assert attempt.taken
    assert box.recipients == [["new@example.org"]]
    text = box.mails[0].get_content()
    token = text.partition("/portal/confirm-email?token=")[2].split()[0]
    found = open_confirmation(CIPHER, token, NOW)
    assert found is not None
    assert (found.user_id, found.address, found.ends) == (ann, "new@example.org", NOW + LINK_LIFETIME)
    stale = notice(ADDRESS_CONFIRM, PERSON + ann, asked=76)
    assert await stage.sender.hand_over(stale) is None, "another was asked for since"
    await stage.store.users.delete("ann")
    assert await stage.sender.hand_over(one) is None


async def test_the_former_user_mail_is_told_though_it_is_kept_no_more(stage: Stage, box: MailBox) -> None:
    ann = await stage.user("ann", UserMail("new@example.org"))
    data = {"to": "old@example.org", "language": "he", "removed": False}
    one = notice(ADDRESS_CHANGED, PERSON + ann, **data)
    assert list(await stage.sender.people(replace(one, to=ONE + ann))) == [ann]
    await stage.sender.hand_over(one)
    await stage.sender.hand_over(notice(ADDRESS_CHANGED, PERSON + ann, **{**data, "removed": True}))
    assert box.recipients == [["old@example.org"]] * 2
    assert {mail["Content-Language"] for mail in box.mails} == {"he"}
    assert box.mails[0].get_content() != box.mails[1].get_content()
    assert not any("new@example.org" in mail.as_string() for mail in box.mails)


async def test_a_refused_user_mail_is_final_and_a_silent_server_is_not(store: Store, box: MailBox) -> None:
    stage = Stage(store, box.port)
    ann = await stage.user("ann", confirmed("ann"))
    box.refuse = "550 no such mailbox"
    one = notice("password.changed", PERSON + ann, user="ann")
    refused = await stage.sender.hand_over(one)
    assert refused is not None
    assert (refused.final, refused.words) == (True, "its recipient was refused (550)")
    away = await Stage(store, free_port()).sender.hand_over(one)
    assert away is not None
    assert (away.taken, away.final) == (False, False)
    assert "example.org" not in away.words


async def test_a_broken_catalogue_makes_english_user_mails(
    store: Store, box: MailBox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "de.po").write_text("no catalogue")
    stage = Stage(store, box.port, own={"de": tmp_path / "de.po"})
    ann = await stage.user("ann", confirmed("ann", language="de"))
    await stage.sender.hand_over(notice("passkey.added", PERSON + ann, passkey="Laptop"))
    assert box.mails[0]["Subject"] == "[Acme APIs] A passkey was added to your account"
    assert "Passkey: Laptop" in box.mails[0].get_content()
    assert "the catalogue of the language de can't be read" in caplog.text


async def test_a_language_that_is_no_longer_offered_gives_way(store: Store, box: MailBox) -> None:
    stage = Stage(store, box.port, languages=SHIPPED[1:2])
    ann = await stage.user("ann", confirmed("ann", language="he"))
    await stage.sender.hand_over(notice("password.changed", PERSON + ann, user="ann"))
    assert box.mails[0]["Content-Language"] == "de"


@pytest.mark.parametrize("event", [*KIND_OF, ADDRESS_CONFIRM, ADDRESS_CHANGED, "password.changed"])
def test_nothing_that_people_write_makes_a_header_of_a_user_mail(event: str) -> None:
    names = ("api", "answer", "client_name", "client", "user", "application_name", "secret", "tier")
    data = {**dict.fromkeys(names, EVIL), "scopes": [EVIL]}
    made = user_mail_text(event, data, SENDER, "https://link" if event == ADDRESS_CONFIRM else "")
    message = message_of(notice(event, "x"), "ann@example.org", made.subject, made.text, SENDER)
    read = message_from_bytes(message.as_bytes(), policy=default)
    assert (read["Bcc"], read["Cc"], read["To"]) == (None, None, "ann@example.org")
    assert read["Subject"].isprintable()
    lines = read.get_content().splitlines()
    assert not [line for line in lines if line.startswith(("Bcc", "MAIL", "."))]


def test_an_address_of_two_lines_never_gets_a_message() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message_of(notice("password.changed", "x"), "ann@example.org\r\nBcc: x@y", "s", "t", SENDER)


def test_each_event_s_user_mail_says_what_has_happened_and_where() -> None:
    data = {"client": "c1", "client_name": "Shop", "application": "app1", "secret": "second"}
    made = user_mail_text("secret.expiring", {**data, "expires": "2027-01-16T08:00:00Z"}, SENDER)
    assert made.subject == "A secret of Shop ends soon"
    assert "Secret: second\nEnds: 2027-01-16T08:00:00Z" in made.text
    assert "https://portal.example.org/portal/applications/app1\n" in made.text
    assert made.optional
    security = user_mail_text("password.changed", {"user": "ann"}, SENDER)
    assert not security.optional
    assert "If this was not you" in security.text
    assert user_mail_text("something.new", {}, SENDER).subject == "something.new"


class Wavering:
    """Says who is told, once the store has answered."""

    def __init__(self, *people: str) -> None:
        self.people, self.away, self.asked = people, True, [""]

    async def __call__(self, one: QueuedNotice) -> tuple[str, ...]:
        self.asked.append(one.to)
        if self.away:
            raise StoreUnavailable("no answer")
        return self.people


def outbox_of(store: Store, people: Any) -> NoticeOutbox:
    return NoticeOutbox(store.notices, (), (), Clock(), secrets.token_bytes, None, people)


async def test_each_person_gets_a_notice_of_their_own_also_after_the_store_was_away(store: Store) -> None:
    people = Wavering("store:1", "file:2")
    outbox = outbox_of(store, people)
    assert outbox.wants("errors.high")
    outbox.put(PortalEvent("errors.high", {"client": "c"}, "app1"))
    outbox.put(PortalEvent("user.signed_up", {"user": "eve"}))
    outbox.put(PortalEvent("password.changed", {"user": "ann"}, person="store:3"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await outbox.write()
    people.away = False
    await outbox.write()
    waiting = await store.notices.list()
    assert sorted(one.to for one in waiting) == sorted([f"{PERSON}store:1", f"{PERSON}file:2"] * 2)
    assert len({one.id for one in waiting}) == 4
    assert people.asked[-1] == f"{ONE}store:3"
    assert people.asked[1] == f"{OWNERS}app1"


async def test_without_a_mail_server_no_person_is_told(store: Store) -> None:
    outbox = outbox_of(store, None)
    assert not outbox.wants("errors.high")
    outbox.put(PortalEvent("errors.high", {"client": "c"}, "app1"))
    outbox.put(PortalEvent("password.changed", {"user": "ann"}, person="store:3"))
    await outbox.write()
    assert await store.notices.count() == 0


def test_one_person_s_user_mails_push_out_only_that_person_s() -> None:
    body = '{"type":"limit.reached","data":{}}'
    many = [
        QueuedNotice(f"msg_{number:02}", body, number, number, to=f"{PERSON}store:1")
        for number in range(MOST_WAITING + 2)
    ]
    other = QueuedNotice("msg_x", body, 0, 0, to=f"{PERSON}store:2")
    operator = QueuedNotice("msg_y", body, 0, 0, to="boss@example.org")
    assert [one.id for one in surplus([operator, other, *many])] == ["msg_00", "msg_01"]
