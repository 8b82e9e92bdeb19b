"""Who may create an account: whoever an administrator approves, or has invited (`portal.sign_up`)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, Sheet
from tests.running import Running

WORD = "correct horse"
USERS = [{"name": ADMIN, "password": PASSWORD, "admin": True}]


@pytest.fixture(scope="module")
def approval(start: Callable[..., Running]) -> str:
    """The URL of a gateway whose administrators approve accounts."""
    return start(portal={"sign_up": "approval", "users": USERS}).http


@pytest.fixture(scope="module")
def invitation(start: Callable[..., Running]) -> str:
    """The URL of a gateway whose administrators invite."""
    return start(portal={"sign_up": "invitation", "users": USERS}).http


def sign_up(reader: Reader, path: str, name: str) -> Sheet:
    return reader.open(path).submit("/sign-up", name=name, password=WORD, again=WORD)


def new_name() -> str:
    return f"new-{uuid4().hex[:8]}"


def administrator(url: str) -> Reader:
    reader = Reader(url)
    assert reader.sign_in(ADMIN, PASSWORD).status == 200
    return reader


def invited(url: str) -> str:
    """The path of a new invitation."""
    link = administrator(url).open("/portal/users").submit("/invite").value("invitation")
    return link[link.index("/portal/") :]


def test_an_account_that_waits_for_approval_is_let_in_once_it_is_approved(approval: str) -> None:
    name = new_name()
    made = sign_up(Reader(approval), "/portal/sign-up", name)
    assert "You can sign in once an administrator has approved it." in made.words
    refused = Reader(approval).sign_in(name, WORD)
    assert refused.status == 403
    assert "Your account waits for the approval of an administrator." in refused.words
    # Who does not know the password does not learn that there is such an account.
    assert Reader(approval).sign_in(name, "wrong horse").status == 401
    users = administrator(approval).open(f"/portal/users?search={name}")
    assert "Waiting for approval" in users.words
    assert "The account is approved." in users.submit("/approve").words
    assert Reader(approval).sign_in(name, WORD).status == 200


def test_an_account_that_is_rejected_is_gone_and_its_name_is_free(approval: str) -> None:
    name = new_name()
    sign_up(Reader(approval), "/portal/sign-up", name)
    users = administrator(approval).open(f"/portal/users?search={name}")
    assert "Its name is free again." in users.submit("/reject").words
    assert Reader(approval).sign_in(name, WORD).status == 401
    assert "once an administrator has approved it" in sign_up(Reader(approval), "/portal/sign-up", name).words


def test_an_invitation_makes_one_account(invitation: str) -> None:
    path, name = invited(invitation), new_name()
    first, second = Reader(invitation).open(path), Reader(invitation).open(path)
    # What is wrong with the form does not use the invitation up, and neither does a name that is taken.
    assert first.submit("/sign-up", name=name, password="x", again="x").status == 422
    assert "This name is taken." in first.submit("/sign-up", name=ADMIN, password=WORD, again=WORD).words
    assert "Welcome." in first.submit("/sign-up", name=name, password=WORD, again=WORD).words
    late = second.submit("/sign-up", name=new_name(), password=WORD, again=WORD)
    assert (late.status, "has been used already" in late.words) == (403, True)
    assert Reader(invitation).open(path).status == 403


def test_without_an_invitation_nobody_gets_an_account(invitation: str) -> None:
    shown = Reader(invitation).open("/portal/sign-up")
    assert (shown.status, "By invitation only" in shown.words) == (403, True)
    assert "/portal/sign-up" not in Reader(invitation).open("/portal/sign-in").html


def test_developers_neither_invite_nor_approve(invitation: str) -> None:
    developer = Reader(invitation)
    sheet = sign_up(developer, invited(invitation), new_name())
    proof = dict(sheet.form("/sign-out").fields)["proof"]
    for path in ("/portal/users/invite", "/portal/users/store:x/approve", "/portal/users/store:x/reject"):
        assert developer.open(path, f"proof={proof}".encode()).status == 404
