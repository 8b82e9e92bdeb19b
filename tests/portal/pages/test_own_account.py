"""One's own sessions, and the end of one's own account."""

from __future__ import annotations

import re

from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_owner import name_of
from tests.portal.reader import Reader, Sheet, call

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_END = re.compile(r'action="/portal/account/sessions/([0-9a-f]{48})/end"')


def sessions(reader: Reader) -> Sheet:
    return reader.open("/portal/account/sessions")


def again(gateway: str, name: str, agent: str = FIREFOX) -> Reader:
    """Another browser of the same person."""
    reader = Reader(gateway)
    proof = dict(reader.open("/portal/sign-in").form("/sign-in").fields)["proof"]
    form = f"proof={proof}&name={name}&password=correct+horse".encode()
    assert reader.open("/portal/sign-in", form, User_Agent=agent).status == 200
    return reader


def test_one_sees_where_one_is_signed_in_and_ends_one_or_all_others(developer: Reader, gateway: str) -> None:
    name = name_of(developer)
    other, third = again(gateway, name), again(gateway, name, "<b>curl</b>")
    shown = sessions(developer)
    assert "Firefox on Linux" in shown.words
    assert other.address in shown.words
    assert "<b>curl" not in shown.html
    assert shown.words.count("This one") == 1
    ends = _END.findall(shown.html)
    assert len(ends) == 2, "this one is ended by signing out"
    (of_other,) = [one for one in ends if f"at {other.address} since" in _around(shown.html, one)]
    ended = shown.submit(f"/{of_other}/end")
    assert "The session has ended." in ended.words
    assert "/sign-in" in other.open("/portal/applications").url
    assert "/applications" in third.open("/portal/applications").url
    assert "already ended" in shown.submit(f"/{of_other}/end").words
    # Reloading the answer ends nothing more.
    assert developer.open(f"/portal/account/sessions/{of_other}/end").url.endswith("/sessions")
    assert "All your other sessions have ended." in sessions(developer).submit("/end-other-sessions").words
    assert "/sign-in" in third.open("/portal/applications").url
    assert _END.findall(sessions(developer).html) == []
    assert "/applications" in developer.open("/portal/applications").url


def _around(html: str, key: str) -> str:
    return html.partition(f"/sessions/{key}/end")[2].partition("</form>")[0]


def test_nobody_ends_another_s_session(developer: Reader, gateway: str) -> None:
    reader = Reader(gateway)
    reader.sign_in(ADMIN, PASSWORD)
    (key, *_) = _END.findall(sessions_with_two(developer, gateway).html)
    proof = dict(sessions(reader).form("/sign-out").fields)["proof"]
    answer = reader.open(f"/portal/account/sessions/{key}/end", f"proof={proof}".encode())
    assert "already ended" in answer.words
    assert key in sessions(developer).html
    # Nor does a page of another site.
    assert developer.open(f"/portal/account/sessions/{key}/end", b"proof=x").status == 403


def sessions_with_two(reader: Reader, gateway: str) -> Sheet:
    again(gateway, name_of(reader))
    return sessions(reader)


def test_a_session_that_was_ended_does_not_come_back_by_a_page_on_its_way(
    developer: Reader, gateway: str
) -> None:
    other = again(gateway, name_of(developer))
    sessions(developer).submit("/end-other-sessions")
    for _ in range(3):
        assert "/sign-in" in other.open("/portal/account").url
    assert _END.findall(sessions(developer).html) == []


def test_an_account_is_deleted_with_its_password_and_its_applications_stay(
    developer: Reader, admin: Reader, gateway: str
) -> None:
    name = name_of(developer)
    other = again(gateway, name)
    path, made = developer.keys("Shop that stays")
    asked = developer.open("/portal/account/delete")
    assert "You have one application: Shop that stays." in asked.words
    wrong = asked.submit("/account/delete", current="wrong")
    assert (wrong.status, "This is not your present password." in wrong.words) == (422, True)
    gone = asked.submit("/account/delete", current="correct horse")
    assert "Your account is deleted." in gone.words
    assert "/sign-in" in developer.open("/portal/applications").url
    assert "/sign-in" in other.open("/portal/applications").url
    assert Reader(gateway).sign_in(name, "correct horse").status == 401
    basic = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    assert call(gateway, "/token", {"grant_type": "client_credentials"}, basic=basic)[0] == 200
    assert "No owner" in admin.open(path.rpartition("/")[0]).words


def test_applications_go_with_the_account_where_that_is_wanted(
    developer: Reader, admin: Reader, gateway: str
) -> None:
    path, made = developer.keys("Shop that goes")
    asked = developer.open("/portal/account/delete")
    assert asked.submit("/account/delete", current="correct horse", applications="delete").status == 200
    basic = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    assert call(gateway, "/token", {"grant_type": "client_credentials"}, basic=basic)[0] == 401
    assert admin.open(path.rpartition("/")[0]).status == 404


def test_a_user_of_the_file_is_not_deleted_here(admin: Reader) -> None:
    assert admin.open("/portal/account/delete").status == 404
    proof = dict(admin.open("/portal/account").form("/sign-out").fields)["proof"]
    body = f"proof={proof}&current={PASSWORD.replace(' ', '+')}".encode()
    assert admin.open("/portal/account/delete", body).status == 404
    assert "Delete the account" not in admin.open("/portal/account").words
