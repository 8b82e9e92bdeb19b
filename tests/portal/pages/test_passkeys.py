"""Passkeys through the portal's pages, with an authenticator that can be told to misbehave."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import yaml

from gateway.signing.master_keys import MasterKeys
from gateway.store.record_mac import PURPOSE, RecordMac
from gateway.store.sessions import session_key
from tests.authenticator import Authenticator
from tests.conftest import Valkey
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, Sheet
from tests.ports import free_port
from tests.running import Running

LIST, NEW = "/portal/account/passkeys", "/portal/account/passkeys/new"
OPTIONS = "/portal/sign-in/passkey/options"


def configured(**more: Any) -> dict[str, Any]:
    """The sections of a gateway.yaml whose people have passkeys."""
    port = free_port()
    return {
        "server": {
            "listen": [{"port": port, "host": "127.0.0.1"}],
            "public_url": f"http://localhost:{port}",
            "trusted_proxies": ["127.0.0.1/32"],
            "workers": 2,
        },
        "tokens": {"key": "k" * 32},
        "portal": {
            "sign_up": True,
            "passkeys": True,
            "users": [{"name": ADMIN, "password": PASSWORD, "admin": True}],
        },
        **more,
    }


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    return start(**configured())


@pytest.fixture(scope="module")
def gateway(running: Running) -> str:
    """A gateway of two workers whose people have passkeys."""
    return running.http


def authenticator_for(reader: Reader) -> Authenticator:
    return Authenticator(reader.base.replace("127.0.0.1", "localhost"))


def options_of(sheet: Sheet) -> str:
    """What the browser is asked to make."""
    found = re.search(r'data-options="([^"]*)"', sheet.html)
    assert found is not None, sheet.words
    return html.unescape(found[1])


def added(reader: Reader, name: str = "Laptop") -> Authenticator:
    """An authenticator with a new passkey of who is signed in."""
    authenticator = authenticator_for(reader)
    asked = reader.open(LIST).submit("/passkeys", name=name)
    assert asked.url.endswith(NEW), asked.words
    done = asked.submit("/new", answer=authenticator.create(options_of(asked)))
    assert "The passkey is added." in done.words
    return authenticator


def asked_to_sign(reader: Reader) -> tuple[Sheet, str]:
    """The page to sign in, and what its script is told."""
    page = reader.open("/portal/sign-in")
    proof = dict(page.form("/sign-in/passkey").fields)["proof"]
    options = reader.open(OPTIONS, X_Portal_Proof=proof)
    assert options.status == 200
    return page, options.body.decode()


def sign_in(reader: Reader, authenticator: Authenticator, **changes: Any) -> Sheet:
    page, options = asked_to_sign(reader)
    return page.submit("/sign-in/passkey", answer=authenticator.get(options, **changes))


def name_of(reader: Reader) -> str:
    return re.findall(r"<dt>Name</dt><dd>([^<]+)", reader.open("/portal/account").html)[0]


def test_a_passkey_is_added_used_and_removed(developer: Reader, gateway: str) -> None:
    name = name_of(developer)
    authenticator = added(developer, "Laptop of Ada")
    assert "Laptop of Ada" in (page := developer.open(LIST)).words
    assert "Never" in page.words
    other = Reader(gateway)
    other.open("/portal/usage")
    there = sign_in(other, authenticator)
    assert (there.status, there.url.rpartition("/")[2]) == (200, "applications")
    assert name_of(other) == name
    assert "Never" not in developer.open(LIST).words
    form = re.findall(rf'action="{LIST}([^"]+/remove)"', developer.open(LIST).html)[0]
    assert "signs nobody in any more" in developer.open(LIST).submit(form).words
    refused = sign_in(Reader(gateway), authenticator)
    assert (refused.status, "This passkey did not sign you in." in refused.words) == (401, True)


def test_an_administrator_of_the_file_has_passkeys_too(admin: Reader, gateway: str) -> None:
    authenticator = added(admin)
    other = Reader(gateway)
    assert sign_in(other, authenticator).status == 200
    assert "Users" in other.open("/portal/users").words


def test_who_goes_somewhere_arrives_there(developer: Reader, gateway: str) -> None:
    authenticator, other = added(developer), Reader(gateway)
    page = other.open("/portal/usage")
    _, options = asked_to_sign(other)
    assert page.submit("/sign-in/passkey", answer=authenticator.get(options)).url.endswith("/portal/usage")


def let_age(running: Running, valkey: Valkey, reader: Reader, seconds: int) -> None:
    """Has somebody's session be so much older."""
    mac = RecordMac(MasterKeys((b"k" * 32,)).derive(PURPOSE))
    cookie = next(one.value for one in reader.cookies if one.name.endswith("-portal"))
    prefix = yaml.safe_load(running.file.read_text())["store"]["prefix"]
    key = f"{prefix}w:{session_key(cookie or '')}"
    with valkey.client as database:
        record = json.loads(mac.verify(key, database.get(key)) or b"")
        record["session"]["begun"] -= seconds
        database.set(key, mac.sign(key, json.dumps(record)), keepttl=True)


def test_who_signed_in_long_ago_is_asked_for_the_password(
    developer: Reader, running: Running, valkey: Valkey
) -> None:
    assert "Current password" not in developer.open(LIST).words
    let_age(running, valkey, developer, 601)
    for given in ({}, {"current": "wrong"}):
        asked = developer.open(LIST)
        refused = asked.submit("/passkeys", name="Laptop", **given)
        assert (refused.status, "This is not your present password." in refused.words) == (422, True)
    assert refused.form("/passkeys").fields[1] == ("name", "Laptop"), "it need not be typed again"
    assert refused.submit("/passkeys", current="correct horse").url.endswith(NEW)


def test_an_answer_is_used_once_and_in_its_own_browser(developer: Reader, gateway: str) -> None:
    authenticator = added(developer)
    authenticator.counts = False
    page, options = asked_to_sign(Reader(gateway))
    answer = authenticator.get(options)
    other, _ = asked_to_sign(Reader(gateway))
    assert other.submit("/sign-in/passkey", answer=answer).status == 401, "another browser's"
    cookies = list(page.reader.cookies)
    assert page.submit("/sign-in/passkey", answer=answer).status == 200
    page.reader.cookies.clear()
    for cookie in cookies:
        page.reader.cookies.set_cookie(cookie)
    assert page.submit("/sign-in/passkey", answer=answer).status == 401, "a replay"


@pytest.mark.parametrize(
    "changes", [{"origin": "https://evil.example"}, {"crossOrigin": True}, {"user": b"file:0"}], ids=str
)
def test_answers_of_other_pages_sign_nobody_in(
    developer: Reader, gateway: str, changes: dict[str, Any]
) -> None:
    authenticator = added(developer)
    assert sign_in(Reader(gateway), authenticator, **changes).status == 401


@pytest.mark.parametrize("answer", ["", "[]", "{", "x" * 40_000, '{"response":{}}'], ids=lambda one: one[:9])
def test_nonsense_signs_nobody_in_and_adds_nothing(developer: Reader, gateway: str, answer: str) -> None:
    page, _ = asked_to_sign(Reader(gateway))
    assert page.submit("/sign-in/passkey", answer=answer).status == 401
    asked = developer.open(LIST).submit("/passkeys", name="Laptop")
    refused = asked.submit("/new", answer=answer)
    assert (refused.status, "could not be added" in refused.words) == (422, True)
    assert "Last used" not in developer.open(LIST).words


def test_scripts_and_pages_of_others_get_nothing(gateway: str) -> None:
    stranger = Reader(gateway)
    assert stranger.open(OPTIONS).status == 403
    assert stranger.open(OPTIONS, X_Portal_Proof="x" * 64).status == 403
    assert stranger.open("/portal/sign-in/passkey", b"answer=x&proof=x").status == 403
    assert stranger.open("/portal/sign-in/passkey").url.endswith("/portal/sign-in")
    assert "/portal/sign-in" in stranger.open(LIST).url
    assert stranger.open(LIST, b"name=x&proof=x").status == 403 or "/sign-in" in stranger.open(LIST).url


def test_a_passkey_is_added_with_the_answer_to_ones_own_question_only(
    developer: Reader, admin: Reader
) -> None:
    asked = developer.open(LIST).submit("/passkeys", name="Laptop")
    answer = authenticator_for(developer).create(options_of(asked))
    others = admin.open(LIST).submit("/passkeys", name="Laptop")
    assert others.submit("/new", answer=answer).status == 422
    assert "The passkey is added." in asked.submit("/new", answer=answer).words
    again = developer.open(NEW, f"proof={dict(asked.form('/new').fields)['proof']}&answer=x".encode())
    assert again.status == 422, "it is over"
    assert developer.open(NEW).url.endswith(LIST)


@pytest.mark.parametrize(
    ("name", "says"), [("", "Give the passkey a name"), ("n" * 41, "at most 40"), ("a\x85b", "one line")]
)
def test_a_name_is_a_line_of_text(developer: Reader, name: str, says: str) -> None:
    refused = developer.open(LIST).submit("/passkeys", name=name)
    assert (refused.status, says in refused.words) == (422, True)


def test_a_script_in_a_name_is_text(developer: Reader) -> None:
    added(developer, "<script>alert(1)</script>")
    assert "<script>alert" not in developer.open(LIST).html


def test_nobody_removes_anothers(developer: Reader, admin: Reader) -> None:
    authenticator = added(developer)
    form = re.findall(rf'action="({LIST}[^"]+/remove)"', developer.open(LIST).html)[0]
    proof = dict(admin.open(LIST).form("/sign-out").fields)["proof"]
    assert "already been removed" in admin.open(form, f"proof={proof}".encode()).words
    assert developer.open(form, b"proof=x").status == 403
    assert developer.open(form).url.endswith(LIST)
    assert sign_in(Reader(developer.base), authenticator).status == 200


def test_an_administrator_removes_somebodys_passkeys_and_sessions(developer: Reader, admin: Reader) -> None:
    name, authenticator = name_of(developer), added(developer)
    users = admin.open(f"/portal/users?search={name}")
    action = re.findall(r'action="(/portal/users/[^"]+/remove-passkeys)"', users.html)[-1]
    proof = dict(developer.open(LIST).form("/sign-out").fields)["proof"]
    assert developer.open(action, f"proof={proof}".encode()).status == 404, "for administrators only"
    assert "The passkeys are removed" in users.submit(action).words
    assert "/sign-in" in developer.open(LIST).url
    assert sign_in(Reader(developer.base), authenticator).status == 401
    proof = dict(admin.open(LIST).form("/sign-out").fields)["proof"]
    assert admin.open("/portal/users/store:0/remove-passkeys", f"proof={proof}".encode()).status == 404


def test_passkeys_go_with_the_account(developer: Reader, gateway: str) -> None:
    authenticator = added(developer)
    developer.open("/portal/account/delete").submit("/account/delete", current="correct horse")
    assert sign_in(Reader(gateway), authenticator).status == 401


def test_many_wrong_answers_lock_an_address_out(developer: Reader) -> None:
    authenticator, other = added(developer), Reader(developer.base)
    statuses = [sign_in(other, authenticator, origin="https://evil.example").status for _ in range(11)]
    assert (statuses[0], statuses[-1]) == (401, 429)
    refused = sign_in(other, authenticator)
    assert (refused.status, "Too many attempts" in refused.words) == (429, True)


def test_without_passkeys_there_are_no_pages_for_them(start: Callable[..., Running]) -> None:
    sections = configured()
    sections["portal"]["passkeys"] = False
    reader = Reader(start(**sections).http)
    assert reader.open(OPTIONS).status == 404
    assert "passkey" not in reader.open("/portal/sign-in").html
    name = f"dev-{uuid4().hex[:8]}"
    reader.sign_in(ADMIN, PASSWORD)
    assert reader.open(LIST).status == 404
    assert (
        "asskey" not in reader.open("/portal/account").html + reader.open(f"/portal/users?search={name}").html
    )


def test_what_is_asked_of_the_browser_names_the_public_url(developer: Reader) -> None:
    asked = json.loads(options_of(developer.open(LIST).submit("/passkeys", name="Laptop")))
    assert (asked["rp"]["id"], asked["user"]["name"]) == ("localhost", name_of(developer))
