"""What may be filled in."""

from __future__ import annotations

import pytest

from gateway.oauth.model import Client
from gateway.oauth.user import User
from gateway.portal.form_rules import (
    KeyForm,
    application_problems,
    key_form_of,
    lifetime_problem,
    offered_audiences,
    offered_scopes,
    offered_tiers,
    password_problem,
    user_name_problem,
    with_problems,
)
from tests.portal.facts import facts

DEV, ADMIN = User("dev", "x"), User("root", "x", role="admin")


@pytest.mark.parametrize("name", ["a", "Ada.Lovelace", "ada@example.org", "a" * 64])
def test_a_user_can_be_called_so(name: str) -> None:
    assert user_name_problem(name) == ""


@pytest.mark.parametrize("name", ["", "-a", "a b", "ä", "a" * 65, "a\n", "<b>"])
def test_nobody_is_called_so(name: str) -> None:
    assert user_name_problem(name) != ""


def test_a_password_is_neither_short_nor_endless_nor_the_name() -> None:
    assert password_problem("1234567", "ada") != ""
    assert password_problem("x" * 1025, "ada") != ""
    assert password_problem("ADALOVELACE", "adalovelace") != ""
    assert password_problem("correct horse", "ada") == ""
    assert password_problem("Password123!", "ada") != "", "everybody uses it"


def test_an_application_has_a_name_of_70_characters_and_a_tier_that_there_is() -> None:
    assert application_problems("n" * 70, "", "gold", ("", "gold")) == {}
    assert set(application_problems("", "d" * 513, "x", ("",))) == {"name", "description", "tier"}


def test_developers_choose_among_their_tiers_and_keep_what_an_administrator_gave() -> None:
    some = facts(tiers=("gold", "bronze"), developer_tiers=("bronze",))
    assert offered_tiers(some, DEV) == ("", "bronze")
    assert offered_tiers(some, DEV, "bronze") == ("", "bronze")
    assert offered_tiers(some, DEV, "gold") == ("gold",)
    assert offered_tiers(some, DEV, "gone") == ("", "bronze", "gone")
    assert offered_tiers(some, ADMIN, "bronze") == ("", "gold", "bronze")


@pytest.mark.parametrize(
    ("text", "right"), [("", True), ("1", True), ("60", True), ("0", False), ("61", False)]
)
def test_a_lifetime_is_within_the_longest(text: str, right: bool) -> None:
    assert (lifetime_problem(text, 60) == "") is right


def test_keys_keep_scopes_and_audiences_that_are_no_longer_given_out() -> None:
    client = Client("id", scopes=("old",), audiences=("https://old.example",))
    assert offered_scopes(facts(), client) == ("orders.read", "portal:manage", "old")
    assert offered_audiences(facts(), client) == ("https://reports.example", "https://old.example")
    form = key_form_of(client, facts())
    assert with_problems(form, facts(), DEV, client).problems == {}
    assert with_problems(form, facts(), DEV, None).problems.keys() == {"scope", "audience"}


def test_new_keys_begin_with_the_client_credentials_grant_and_all_scopes() -> None:
    form = key_form_of(None, facts())
    assert (form.grants, form.scopes) == (("client_credentials",), ("orders.read",))
    assert key_form_of(None, facts(grants=("password",))).grants == ()


def test_only_an_administrator_gives_other_scopes() -> None:
    form = KeyForm(("client_credentials",), ("orders.read", "audit"), "more.of them")
    assert "scope" in with_problems(form, facts(), DEV, None).problems
    assert with_problems(form, facts(), ADMIN, None).problems == {}
    assert form.settings.scopes == ("orders.read", "audit", "more.of", "them")
    assert "scope" in with_problems(KeyForm((), ("a b",)), facts(), ADMIN, None).problems
    assert "scope" in with_problems(KeyForm((), tuple("abc"), "x " * 99), facts(), ADMIN, None).problems
