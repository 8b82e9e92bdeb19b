"""Signing in, up and out, and passwords."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gateway.portal.pages.account import safe_next
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running


def session_of(reader: Reader) -> str | None:
    return next((cookie.value for cookie in reader.cookies if cookie.name == "gatepost-portal"), None)


def test_who_is_not_signed_in_is_asked_to_and_comes_where_he_wanted_to(reader: Reader) -> None:
    asked = reader.open("/portal/apis")
    assert asked.url.endswith("/portal/sign-in?next=/portal/apis")
    assert asked.submit("/sign-in", name=ADMIN, password=PASSWORD).url.endswith("/portal/apis")


def test_the_query_of_the_page_that_was_wanted_is_kept(reader: Reader) -> None:
    wanted = "/portal/subscriptions?search=two+words+%C3%A9&sort=state"
    asked = reader.open(f"{wanted}&done=saved")
    assert reader.open(asked.url).submit("/sign-in", name=ADMIN, password=PASSWORD).url.endswith(wanted)
    assert reader.open(asked.url).url.endswith(wanted), "also where another window has signed in"


def test_two_windows_of_the_sign_in_page_both_sign_in(reader: Reader) -> None:
    one, other = reader.open("/portal/sign-in"), reader.open("/portal/sign-in?next=/portal/apis")
    joining = reader.open("/portal/sign-up")
    assert one.submit("/sign-in", name=ADMIN, password=PASSWORD).url.endswith("/portal/applications")
    assert other.submit("/sign-in", name=ADMIN, password=PASSWORD).url.endswith("/portal/apis")
    name = f"dev-{uuid4().hex[:8]}"
    made = joining.submit("/sign-up", name=name, password="correct horse", again="correct horse")
    assert name in made.html, "who has typed a name is in under that name"


def test_whoever_is_out_already_or_in_again_signs_out_by_an_older_window(reader: Reader) -> None:
    reader.sign_in(ADMIN, PASSWORD)
    one, other = reader.open("/portal/apis"), reader.open("/portal/account")
    assert "You are signed out." in one.submit("/sign-out").words
    assert "You are signed out." in other.submit("/sign-out").words
    reader.sign_in(ADMIN, PASSWORD)
    assert "You are signed out." in other.submit("/sign-out").words
    assert reader.open("/portal/account").url.endswith("/portal/sign-in?next=/portal/account")


@pytest.mark.parametrize("says", [{"Sec_Fetch_Site": "cross-site"}, {}], ids=["and says so", "in silence"])
def test_another_sites_form_signs_nobody_out(reader: Reader, says: dict[str, str]) -> None:
    """It comes without the session's cookie, which is `SameSite`."""
    answer = Reader(reader.base).open("/portal/sign-out", b"", **says)
    assert answer.status == (403 if says else 200)
    asked = http.client.HTTPConnection(urlsplit(reader.base).netloc, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in says.items()}
    asked.request("POST", "/portal/sign-out", b"", headers)
    assert asked.getresponse().getheader("Set-Cookie") is None
    asked.close()


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(reader: Reader) -> None:
    told = [reader.sign_in(name, "wrong") for name in (ADMIN, f"nobody-{uuid4().hex[:6]}")]
    assert {sheet.status for sheet in told} == {401}
    assert all("The name or the password is wrong." in sheet.words for sheet in told)
    assert f'value="{ADMIN}"' in told[0].html, "the name need not be typed again"
    assert "wrong" not in [value for _, value in told[0].form("/sign-in").fields]


def test_guessing_is_limited(reader: Reader, gateway: str) -> None:
    name = f"guessed-{uuid4().hex[:6]}"
    with ThreadPoolExecutor(10) as at_once:
        list(at_once.map(lambda _: Reader(gateway, reader.address).sign_in(name, "guess"), range(10)))
    told = reader.sign_in(name, "guess")
    assert (told.status, int(told.headers["Retry-After"]) > 0) == (429, True)
    assert "Too many attempts" in told.words
    assert reader.sign_in(ADMIN, PASSWORD).status == 200, "others can go on"


def test_signing_in_begins_a_session_under_a_new_id(reader: Reader) -> None:
    reader.sign_in(ADMIN, PASSWORD)
    first = session_of(reader)
    reader.open("/portal/account").submit("/sign-out")
    assert session_of(reader) is None
    reader.sign_in(ADMIN, PASSWORD)
    assert first is not None
    assert session_of(reader) not in (None, first)


def test_signing_out_ends_the_session_for_whoever_has_its_id(admin: Reader, gateway: str) -> None:
    thief = Reader(gateway)
    for cookie in admin.cookies:
        thief.cookies.set_cookie(cookie)
    assert thief.open("/portal/account").url.endswith("/portal/account")
    assert "You are signed out." in admin.open("/portal/account").submit("/sign-out").words
    assert "/sign-in" in thief.open("/portal/account").url


def test_a_made_up_session_is_nobodys(reader: Reader, gateway: str) -> None:
    for made_up in ("x", "A" * 43, "A" * 4000):
        asked = reader.open("/portal/applications", Cookie=f"gatepost-portal={made_up}")
        assert "/sign-in" in asked.url


def test_a_new_password_ends_every_other_session(developer: Reader, gateway: str) -> None:
    name = developer.open("/portal/account").html.partition("<dd>")[2].partition("<")[0]
    elsewhere = Reader(gateway)
    assert elsewhere.sign_in(name, "correct horse").status == 200
    before = session_of(developer)
    changed = developer.open("/portal/account").submit(
        "/account", current="correct horse", new="battery staple", again="battery staple"
    )
    assert "Your password is changed." in changed.words
    assert session_of(developer) != before
    assert "/sign-in" in elsewhere.open("/portal/account").url
    assert elsewhere.sign_in(name, "correct horse").status == 401
    assert elsewhere.sign_in(name, "battery staple").status == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"current": "wrong one"}, "This is not your present password."),
        ({"new": "short", "again": "short"}, "at least 8 characters"),
        ({"again": "something else"}, "The two passwords differ."),
    ],
)
def test_a_password_that_can_not_be_is_reported_beside_its_field(
    developer: Reader, fields: dict[str, str], words: str
) -> None:
    filled = {"current": "correct horse", "new": "battery staple", "again": "battery staple"} | fields
    told = developer.open("/portal/account").submit("/account", **filled)
    assert (told.status, words in told.words) == (422, True)
    assert 'aria-invalid="true"' in told.html


def test_accounts_from_one_address_are_limited(gateway: str) -> None:
    address = Reader(gateway).address
    made = [
        Reader(gateway, address)
        .open("/portal/sign-up")
        .submit("/sign-up", name=f"m-{uuid4().hex[:8]}", password="correct horse", again="correct horse")
        for _ in range(11)
    ]
    assert [sheet.status for sheet in made] == [200] * 10 + [422]
    assert "Too many accounts were made from your address." in made[-1].words


def test_a_user_of_the_file_has_his_password_there(admin: Reader) -> None:
    assert "This user is defined in gateway.yaml" in admin.open("/portal/account").words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "<script>alert(1)</script>"}, "A name has 1 to 64 letters"),
        ({"name": "ADMIN"}, "This name is taken."),
        ({"password": "short", "again": "short"}, "at least 8 characters"),
        ({"again": "other"}, "The two passwords differ."),
        ({"name": "longenough", "password": "longenough", "again": "longenough"}, "must not be the name"),
    ],
)
def test_a_sign_up_that_can_not_be_comes_back_filled_in(
    reader: Reader, fields: dict[str, str], words: str
) -> None:
    filled = {"name": f"n-{uuid4().hex[:8]}", "password": "correct horse", "again": "correct horse"} | fields
    told = reader.open("/portal/sign-up").submit("/sign-up", **filled)
    assert (told.status, words in told.words) == (422, True)
    assert "<script>alert" not in told.html
    assert ("name", filled["name"]) in told.form("/sign-up").fields
    assert filled["password"] not in [value for _, value in told.form("/sign-up").fields] or words.endswith(
        "name"
    )


def test_without_users_and_sign_up_the_page_tells_how_to_add_one(start: Callable[..., Running]) -> None:
    lonely = Reader(start(portal={}).http)
    told = lonely.open("/portal/")
    assert "No users yet" in told.words
    assert "users:" in told.words
    assert lonely.open("/portal/sign-up").status == 404


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/portal/apis", True),
        ("/portal/applications/abc/production", True),
        ("/portal/../orders", False),
        ("//evil.example/portal/", False),
        ("https://evil.example/portal/", False),
        ("/portal/\\evil", False),
        ("/portal/x\nSet-Cookie: a=b", False),
        ("/orders", False),
        ("", False),
    ],
)
def test_after_signing_in_nobody_is_sent_out_of_the_portal(path: str, goes: bool) -> None:
    assert bool(safe_next(path)) is goes
