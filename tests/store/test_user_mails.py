"""People's e-mail addresses in the store: for the person who is there, and gone with the person."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.audit.record_facts import differing
from gateway.errors import StoreUnavailable
from gateway.oauth.user import User
from gateway.oauth.user_mail import UserMail
from gateway.store import Store
from gateway.store.file_changes import DeclaredUser
from gateway.store.file_records import FileRecords
from gateway.store.user_mails import StoredUserMail, UserMailChanged, read_user_mail, write_user_mail
from tests.conftest import Valkey
from tests.record_keys import MAC

MAIL = UserMail("ann@example.org", "new@example.org", 100, ("secrets",), "de")


async def ada(store: Store) -> User:
    return await store.users.create(User("ada", "$argon2id$hash", source="store"))


async def test_a_user_mail_is_kept_changed_and_removed(store: Store) -> None:
    user = await ada(store)
    assert await store.user_mails.read(user.id) == StoredUserMail()
    await store.user_mails.replace(user.id, StoredUserMail(), MAIL)
    found = await store.user_mails.read(user.id)
    assert found.mail == MAIL
    await store.user_mails.replace(user.id, found, UserMail())
    assert await store.user_mails.read(user.id) == StoredUserMail(), "what says nothing is not kept"


async def test_listeners_hear_of_a_user_mail_and_the_audit_log_has_no_address(store: Store) -> None:
    user, heard = await ada(store), []
    store.changes.heard = lambda *facts: heard.append(facts)  # type: ignore[method-assign]
    await store.user_mails.replace(user.id, StoredUserMail(), MAIL, "mail.ask")
    await store.user_mails.replace(user.id, await store.user_mails.read(user.id), MAIL.asking("x@y", "", 1))
    assert heard == [("mail.ask", user.id, UserMail(), MAIL)]
    told: tuple[Mapping[str, object] | None, ...] = differing(heard[0][2], heard[0][3])
    assert told[1] is not None
    assert told[1]["email"] == told[1]["pending_email"] == "(changed)"
    assert "example.org" not in str(told)


async def test_of_two_who_write_a_user_mail_at_once_one_reads_again(store: Store) -> None:
    user = await ada(store)
    await store.user_mails.replace(user.id, StoredUserMail(), MAIL)
    with pytest.raises(UserMailChanged):
        await store.user_mails.replace(user.id, StoredUserMail(), UserMail("bob@example.org"))
    assert (await store.user_mails.read(user.id)).mail == MAIL


async def test_a_user_mail_goes_with_its_account_and_is_given_to_nobody_who_is_gone(store: Store) -> None:
    user = await ada(store)
    await store.user_mails.replace(user.id, StoredUserMail(), MAIL)
    changed = await store.users.replace(user, User("ada", "$argon2id$new", source="store"))
    assert (await store.user_mails.read(changed.id)).mail == MAIL, "another password changes nothing"
    await store.users.delete("ada")
    assert await store.user_mails.read(user.id) == StoredUserMail()
    assert not await store.link.execute("HEXISTS", store.names.user_mails, user.id)
    with pytest.raises(UserMailChanged):
        await store.user_mails.replace(user.id, StoredUserMail(), MAIL)


async def test_the_user_mail_of_a_user_of_the_file_goes_with_the_file(store: Store) -> None:
    records = FileRecords(store.names, MAC)
    users = await records.apply(store.link, "1", {"boss": DeclaredUser("boss", ("d",))}, {})
    person = users["boss"].id
    await store.user_mails.replace(person, StoredUserMail(), MAIL)
    await records.apply(store.link, "2", {"other": DeclaredUser("other", ("d",))}, {})
    assert not await store.link.execute("HEXISTS", store.names.user_mails, person)


async def test_a_forged_user_mail_is_none(store: Store, valkey: Valkey, prefix: str) -> None:
    user = await ada(store)
    with valkey.client as other:
        other.hset(f"{prefix}mails", user.id, write_user_mail(MAIL))
    found = await store.user_mails.read(user.id)
    assert found.mail == UserMail()
    await store.user_mails.replace(user.id, found, MAIL)
    assert (await store.user_mails.read(user.id)).mail == MAIL, "it is written over"


async def test_without_the_store_a_user_mail_is_not_known(store: Store) -> None:
    user = await ada(store)
    await store.stop()
    with pytest.raises(StoreUnavailable):
        await store.user_mails.read(user.id)
    with pytest.raises(StoreUnavailable):
        await store.user_mails.replace(user.id, StoredUserMail(), MAIL)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"email":1}', b'{"email":"a@b","asked":"x"}', b"\xff"])
def test_a_malformed_record_is_no_user_mail(data: bytes) -> None:
    assert read_user_mail(data) == UserMail()


def test_a_user_mail_is_read_as_it_was_written_without_kinds_of_later_versions() -> None:
    assert read_user_mail(write_user_mail(MAIL).encode()) == MAIL
    later = write_user_mail(MAIL).replace('["secrets"]', '["later","secrets"]')
    assert "later" in later
    assert read_user_mail(later.encode()) == MAIL
