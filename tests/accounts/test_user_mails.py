"""People's own e-mail addresses: who confirms what, how often, and what listeners hear."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.user_mails import (
    PER_MAILBOX,
    PER_USER,
    TRIES,
    MailAddressRefused,
    UserMails,
)
from gateway.errors import GatepostError
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user import User
from gateway.oauth.user_mail import LINK_LIFETIME, Confirmation, UserMail
from gateway.store import Store
from gateway.store.user_mails import StoredUserMail, UserMailChanged
from tests.services import Clock

CIPHER = TokenCipher([b"k" * 32], secrets.token_bytes)
ANN, BOB = "ann@example.org", "bob@example.org"


class Stage:
    """People of one store, and what is heard of them."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, Clock()
        self.heard: list[tuple[str, object, object]] = []
        self.mails = UserMails(store.user_mails, store.once, CIPHER, self.clock)

    async def user(self, name: str = "ada") -> User:
        made = await self.store.users.create(User(name, "$argon2id$hash", source="store"))
        self.store.changes.heard = lambda action, _, before, after: self.heard.append((action, before, after))  # type: ignore[method-assign]
        return made

    def link(self, user: User, address: str) -> str:
        ends = int(self.clock()) + LINK_LIFETIME
        return Confirmation(user.id, address, ends).seal(CIPHER)


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store)


async def test_a_user_mail_is_asked_for_and_confirmed_once(stage: Stage) -> None:
    user = await stage.user()
    asked = await stage.mails.save(user, f" {ANN} ", None, "de")
    assert asked == UserMail("", ANN, 1_800_000_000, language="de")
    link = stage.link(user, ANN)
    assert await stage.mails.opened(link) == Confirmation(user.id, ANN, 1_800_000_000 + LINK_LIFETIME)
    assert (await stage.mails.read(user)).email == "", "looking at it confirms nothing"
    assert await asyncio.gather(*(stage.mails.confirm(link) for _ in range(3))) != [False] * 3
    assert await stage.mails.read(user) == UserMail(ANN, language="de")
    assert not await stage.mails.confirm(link)
    assert await stage.mails.opened(link) is None
    assert [one[0] for one in stage.heard] == ["mail.ask", "mail.confirm"], "of three at once, one did"


async def test_a_link_of_another_address_or_person_or_time_confirms_no_user_mail(stage: Stage) -> None:
    user, other = await stage.user(), await stage.user("bob")
    await stage.mails.save(user, ANN, None, "")
    for token in (stage.link(user, BOB), stage.link(other, ANN), "x", ""):
        assert not await stage.mails.confirm(token)
    link = stage.link(user, ANN)
    stage.clock.now += LINK_LIFETIME
    assert not await stage.mails.confirm(link)
    assert (await stage.mails.read(user)).email == ""
    await stage.store.users.delete("bob")
    assert not await stage.mails.confirm(stage.link(other, ANN)), "nobody who is gone"


async def test_links_to_one_mailbox_are_counted_whoever_asks(stage: Stage) -> None:
    users = [await stage.user(f"u{number}") for number in range(PER_MAILBOX + 1)]
    for number, user in enumerate(users[:-1]):
        await stage.mails.save(user, f"Ann+{number}@example.org", None, "")
    with pytest.raises(TooManyAttempts) as caught:
        await stage.mails.save(users[-1], ANN, None, "")
    assert caught.value.retry_after == 86_400
    assert await stage.mails.read(users[-1]) == UserMail(), "nothing has changed"
    await stage.mails.save(users[-1], BOB, None, "")


async def test_links_that_one_user_asks_for_are_counted(stage: Stage) -> None:
    user = await stage.user()
    for number in range(PER_USER):
        await stage.mails.save(user, f"ann{number}@example.org", None, "")
    with pytest.raises(TooManyAttempts) as caught:
        await stage.mails.send_again(user, "")
    assert caught.value.retry_after == 3600
    assert [one[0] for one in stage.heard] == ["mail.ask"] * PER_USER
    await stage.mails.save(user, None, ["errors"], "he")
    assert (await stage.mails.read(user)).kinds == ("errors",)
    await stage.mails.remove(user)
    assert stage.heard[-1][0] == "mail.remove"


async def test_what_is_no_address_asks_for_no_user_mail_and_counts_for_nothing(stage: Stage) -> None:
    user = await stage.user()
    for _ in range(2 * PER_USER):
        with pytest.raises(MailAddressRefused):
            await stage.mails.save(user, f"{ANN}\r\nBcc: {BOB}", None, "")
    assert (await stage.mails.send_again(user, "")).empty
    assert stage.heard == []
    await stage.mails.save(user, ANN, None, "")


async def test_a_provider_s_address_is_taken_and_the_former_one_is_heard_of(stage: Stage) -> None:
    user = await stage.user()
    await stage.mails.trust(user, ANN, "")
    await stage.mails.save(user, ANN, None, "")
    assert [one[0] for one in stage.heard] == ["mail.confirm"], "no link for what is confirmed"
    await stage.mails.trust(user, BOB, "")
    assert stage.heard[-1] == ("mail.confirm", UserMail(ANN), UserMail(BOB))
    with pytest.raises(MailAddressRefused):
        await stage.mails.trust(user, "nobody", "")


async def test_a_check_that_raises_changes_no_user_mail_and_sends_nothing(stage: Stage) -> None:
    def refuse(mail: UserMail) -> None:
        raise GatepostError(mail.email)

    user = await stage.user()
    for _ in range(2 * PER_USER):
        with pytest.raises(GatepostError):
            await stage.mails.save(user, ANN, None, "", refuse)
    await stage.mails.save(user, ANN, None, "")
    with pytest.raises(GatepostError):
        await stage.mails.remove(user, refuse)
    assert (await stage.mails.read(user)).pending_email == ANN


async def test_a_user_mail_that_never_stays_as_it_is_is_told(stage: Stage) -> None:
    class Restless:
        tries = 0

        async def read(self, _: str) -> StoredUserMail:
            return StoredUserMail(UserMail(ANN), b"x")

        async def replace(self, *_: object) -> None:
            self.tries += 1
            raise UserMailChanged("again")

    restless = Restless()
    mails = UserMails(restless, stage.store.once, CIPHER, stage.clock)
    with pytest.raises(UserMailChanged):
        await mails.save(await stage.user(), None, [], "")
    assert restless.tries == TRIES
