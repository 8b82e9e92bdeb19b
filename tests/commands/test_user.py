"""`gatepost user …`: people of the portal, managed from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import UserAuthentication, Users, WrongPassword
from gateway.clock import system_clock
from gateway.commands.options import load
from gateway.commands.store_access import with_store
from gateway.commands.user import _changed
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.user import User
from gateway.store import Store
from tests.commands.conftest import gatepost, said, shown
from tests.services import known_users

pytestmark = pytest.mark.usefixtures("file")


def sign_in(file: Path, name: str, password: str) -> User | None:
    """Whether the portal would let them in."""

    async def work(store: Store) -> User | None:
        users = Users(known_users(), store.users, Passwords(), system_clock)
        rules = LockoutPolicy(pair_limit=50, first_delay=0.0)
        try:
            limiter = AttemptLimiter("people", store.attempts, rules)
            return await UserAuthentication(users, limiter).authenticate(name, password, "192.0.2.1")
        except WrongPassword:
            return None

    return with_store(load(file), work)


def names() -> list[str]:
    return [one["name"] for one in shown("user", "list", "--json")]


def test_a_person_is_added_with_a_password_that_is_shown_once(file: Path) -> None:
    made = shown("user", "add", "Bob", "--admin")
    assert (made["name"], made["admin"], made["source"], made["blocked"]) == ("Bob", True, "store", False)
    assert made["id"].startswith("store:")
    assert len(made["password"]) == 24
    person = sign_in(file, "bob", made["password"])
    assert person is not None
    assert person.admin
    assert names() == ["ann", "Bob"]
    assert made["password"] not in gatepost("user", "list", "--json").stdout


def test_a_reset_password_replaces_the_one_before(file: Path) -> None:
    first = shown("user", "add", "bob")
    second = shown("user", "reset", "bob")
    assert sign_in(file, "bob", first["password"]) is None
    assert sign_in(file, "bob", second["password"]) is not None
    assert first["id"] == second["id"]


def test_who_waits_for_approval_can_sign_in_once_approved(file: Path) -> None:
    made = shown("user", "add", "bob")
    assert _changed(file, "bob", lambda one: replace(one, pending=True)).pending
    assert "pending" in gatepost("user", "list").stdout.splitlines()[2]
    assert sign_in(file, "bob", made["password"]) is None
    assert shown("user", "approve", "bob")["pending"] is False
    assert sign_in(file, "bob", made["password"]) is not None


def test_an_invitation_is_a_link_that_is_open(file: Path) -> None:
    made = shown("user", "invite")
    code = made["invitation"].partition("/portal/sign-up?invitation=")[2]
    assert made["seconds"] == 7 * 86_400
    assert with_store(load(file), lambda store: store.invitations.is_open(code))


def test_who_is_blocked_can_not_sign_in_until_unblocked(file: Path) -> None:
    made = shown("user", "add", "bob")
    before = sign_in(file, "bob", made["password"])
    assert shown("user", "block", "bob")["blocked"] is True
    assert sign_in(file, "bob", made["password"]) is None
    assert [one["blocked"] for one in shown("user", "list", "--json")] == [False, True]
    assert "blocked" in gatepost("user", "list").stdout.splitlines()[2]
    assert shown("user", "unblock", made["id"])["blocked"] is False
    after = sign_in(file, "bob", made["password"])
    assert before is not None
    assert after is not None
    assert after.generation != before.generation, "sessions from before stay over"


def test_a_person_is_deleted(file: Path) -> None:
    shown("user", "add", "bob")
    result = gatepost("user", "delete", "bob")
    assert (result.exit_code, result.output) == (0, "")
    assert names() == ["ann"]


@pytest.mark.parametrize("command", ["reset", "block", "unblock", "delete"])
@pytest.mark.parametrize("name", ["nobody", "store:nobody", "ann"])
def test_who_is_not_in_the_store_is_said_so(command: str, name: str) -> None:
    assert said("user", command, name) == f"gatepost: there is no user {name!r} in the store"


def test_a_name_that_is_taken_or_can_not_be_is_refused() -> None:
    shown("user", "add", "bob")
    assert "there is a user 'BOB' already" in said("user", "add", "BOB")
    result = gatepost("user", "add", "two words")
    assert result.exit_code == 2
    assert "must be 1 to 64 letters" in result.stderr


def test_the_list_is_a_table() -> None:
    head, ann = gatepost("user", "list").stdout.splitlines()
    assert head.split() == ["NAME", "ID", "ROLE", "SOURCE", "CREATED", "STATE"]
    assert ann.split() == ["ann", "-", "developer", "file", "-", "active"]


def test_a_role_is_given_and_the_last_administrator_keeps_theirs() -> None:
    assert shown("user", "add", "bob", "--role", "publisher")["role"] == "publisher"
    assert "publisher" in gatepost("user", "list").stdout.splitlines()[2]
    assert shown("user", "role", "bob", "admin")["admin"] is True
    assert said("user", "role", "bob", "viewer") == "gatepost: there is no other administrator"
    shown("user", "add", "eve", "--admin")
    assert shown("user", "role", "bob", "viewer")["role"] == "viewer"
    assert gatepost("user", "role", "bob", "god").exit_code == 2
