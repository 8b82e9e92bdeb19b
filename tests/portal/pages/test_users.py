"""The page of all users. tests/portal/test_identity.py has an account whose name the file takes."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.conftest import Valkey
from tests.portal.changing import PERSON, ROOT, Changing
from tests.portal.conftest import ADMIN
from tests.portal.pages.test_owner import name_of
from tests.portal.reader import Reader


def test_administrators_see_the_users_of_the_file_and_the_accounts(admin: Reader, developer: Reader) -> None:
    name = name_of(developer)
    shown = admin.open(f"/portal/users?search={name[:8]}")
    assert name in shown.words
    assert ADMIN in admin.open(f"/portal/users?search={ADMIN}").words
    assert (developer.open("/portal/users").status, developer.open("/portal/users").words) != (200, "")
    assert developer.open("/portal/users").status == 404


def test_a_renamed_user_signs_in_under_the_new_name_and_keeps_what_is_theirs(
    admin: Reader, developer: Reader, gateway: str
) -> None:
    before, after = name_of(developer), f"new-{uuid4().hex[:8]}"
    path = developer.application()
    sheet = admin.open(f"/portal/users?search={before}")
    action = sheet.html.partition('action="/portal/users/store:')[2].partition('"')[0]
    assert "The account is renamed." in sheet.submit(action, name=after).words
    assert "/sign-in" in developer.open("/portal/applications").url
    again = Reader(gateway)
    assert again.sign_in(before, "correct horse").status == 401
    assert again.sign_in(after, "correct horse").status == 200
    assert again.open(path).status == 200
    assert f"Owner {after}" in admin.open(path).words


def test_a_name_that_is_taken_or_cannot_be_is_refused(admin: Reader, developer: Reader) -> None:
    before = name_of(developer)
    sheet = admin.open(f"/portal/users?search={before}")
    action = sheet.html.partition('action="/portal/users/store:')[2].partition('"')[0]
    for name, words in ((ADMIN.upper(), "This name is taken."), ("-", "A name has 1 to 64")):
        refused = sheet.submit(action, name=name)
        assert (refused.status, words in refused.words) == (422, True)
    assert developer.open("/portal/account").status == 200


def test_an_administrator_gives_an_account_another_role(
    admin: Reader, developer: Reader, gateway: str
) -> None:
    name = name_of(developer)
    sheet = admin.open(f"/portal/users?search={name}")
    action = "/role"
    assert "The role is changed." in sheet.submit(action, role="viewer").words
    assert "/sign-in" in developer.open("/portal/applications").url
    again = Reader(gateway)
    assert again.sign_in(name, "correct horse").status == 200
    assert again.open("/portal/applications/new").status == 404
    assert sheet.submit(action, role="god").status == 404
    user = dict(sheet.form(action).fields)
    assert user["role"] == "developer"


def test_the_last_administrator_keeps_the_role(tmp_path: Path, backend: str, valkey: Valkey) -> None:
    changing = Changing(tmp_path / "gateway", backend, valkey.url)
    changing.start()
    try:
        changing.signed_up("eve", "correct horse")
        root = changing.signed_in(ROOT)
        assert "The role is changed." in root.open("/portal/users").submit("/role", role="admin").words
        changing.reload(users=[PERSON])
        eve = changing.reader()
        assert eve.sign_in("eve", "correct horse").status == 200
        refused = eve.open("/portal/users").submit("/role", role="developer")
        assert (refused.status, "There is no other administrator" in refused.words) == (422, True)
        assert eve.open("/portal/users").status == 200
        going = eve.open("/portal/account/delete").submit("/delete", current="correct horse")
        assert (going.status, "There is no other administrator" in going.words) == (422, True)
        assert eve.open("/portal/users").status == 200
    finally:
        changing.stop()
