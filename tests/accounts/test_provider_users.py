"""People whom an OpenID provider signs in: who they are, what they are called, and what they may."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from gateway.accounts.attempt_limiter import AttemptLimiter, TooManyAttempts
from gateway.accounts.passwords import Passwords
from gateway.accounts.provider_users import (
    LONGEST_NAME,
    ClaimMatch,
    NotAdmitted,
    ProviderRules,
    ProviderSignIn,
    UsedFlows,
    account_name,
    names_for,
)
from gateway.accounts.users import NotApproved, Users
from gateway.config.portal import USER_NAME
from gateway.errors import StoreUnavailable
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.oidc import ProviderRefused, read_flow
from gateway.oauth.user import User
from gateway.store import Store
from gateway.store.user_ids import provider_user_id
from tests.services import Clock, known_users

ISSUER = "https://id.example"
RULES = ProviderRules(ISSUER, "preferred_username", ClaimMatch("groups", frozenset({"admins"})), None)
ANN = {"sub": "1", "preferred_username": "ann"}


@pytest.mark.parametrize(
    ("claims", "holds"),
    [
        ({"groups": "admins"}, True),
        ({"groups": ["staff", "admins"]}, True),
        ({"groups": ["Admins", 1, None]}, False),
        ({"groups": "admins,staff"}, False),
        ({"groups": {"admins": True}}, False),
        ({"groups": True}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_claim_holds_one_of_the_values_or_not(claims: dict[str, Any], holds: bool) -> None:
    assert (RULES.role(claims) == "admin") is holds
    assert ClaimMatch("groups", frozenset({"admins"})).holds(claims) is holds


def test_without_rules_everybody_is_let_in_and_nobody_an_administrator() -> None:
    rules = ProviderRules(ISSUER, "name", None, None)
    assert rules.refusal({}) == ""
    assert rules.role({"groups": "admins"}) == "developer"


def test_the_first_rule_that_does_not_hold_refuses_somebody() -> None:
    acme, mail, team = (
        ClaimMatch(name, frozenset({"a"})) for name in ("organizations", "email_domains", "teams")
    )
    needed = {"organizations": acme, "email_domains": mail}
    rules = ProviderRules(ISSUER, "login", None, team, key="portal.github", needed=needed)
    assert rules.claims == {"organizations", "email_domains", "teams"}
    everything = {"organizations": ["a"], "email_domains": ["b", "a"], "teams": ["a"]}
    assert rules.refusal(everything) == ""
    for name, key in (
        ("organizations", "organizations"),
        ("email_domains", "email_domains"),
        ("teams", "allow"),
    ):
        assert rules.refusal(everything | {name: ["b"]}) == f"portal.github.{key}"
        assert rules.refusal({one: has for one, has in everything.items() if one != name}) != ""


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["admins", "staff"], "admin"),
        (["apis", "staff"], "publisher"),
        (["staff"], "developer"),
        (["others"], "viewer"),
        ([], "viewer"),
    ],
)
def test_the_first_role_that_the_claims_say_is_given(groups: list[str], role: str) -> None:
    admins, apis, staff = (ClaimMatch("groups", frozenset({one})) for one in ("admins", "apis", "staff"))
    rules = ProviderRules(ISSUER, "name", admins, None, apis, staff)
    assert rules.role({"groups": groups}) == role


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ann", "ann"),
        ("Ann.Lee@example.org", "Ann.Lee@example.org"),
        ("Zoë  Müller", "Zoe--Muller"),
        ("-.ann", "ann"),
        ("store:abc", "storeabc"),
        ("<b>\r\n", "b"),
        ("王", ""),
        ("\ud800", ""),
        ("a" * 300, "a" * LONGEST_NAME),
    ],
)
def test_a_name_is_made_of_what_names_may_have(text: str, name: str) -> None:
    assert account_name(text) == name


@pytest.mark.parametrize(
    ("claims", "best"),
    [
        (ANN, "ann"),
        ({"sub": "1", "email": "ann@example.org", "name": "Ann"}, "ann@example.org"),
        ({"sub": "1", "preferred_username": ["ann"], "name": "Ann Lee"}, "Ann-Lee"),
        ({"sub": "auth0|12"}, "auth012"),
        ({"sub": "|"}, "user"),
    ],
    ids=str,
)
def test_the_best_claim_names_a_new_account(claims: dict[str, Any], best: str) -> None:
    names = list(names_for(claims, RULES, provider_user_id(ISSUER, claims["sub"])))
    assert names[0] == best
    assert len(set(names)) == 3
    assert all(USER_NAME.fullmatch(name) for name in names)


def test_only_issuer_and_subject_together_are_a_person() -> None:
    ids = {provider_user_id(*pair) for pair in (("a", "bc"), ("ab", "c"), ("a", "b"), ("b", "a"))}
    assert len(ids) == 4
    assert provider_user_id("a", "b") == provider_user_id("a", "b")


class Provider:
    """Signs in who a test says."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] | Exception = dict(ANN)
        self.asked = 0

    async def begin(self, flow: object) -> str:
        del flow
        return f"{ISSUER}/auth"

    async def finish(self, answer: object, flow: object) -> dict[str, Any]:
        del answer, flow
        self.asked += 1
        if isinstance(self.claims, Exception):
            raise self.claims
        return self.claims

    async def logout(self, back: str) -> str:
        return f"{ISSUER}/end?{back}"


class Stage:
    def __init__(
        self,
        store: Store,
        *of_file: User,
        rules: ProviderRules = RULES,
        used: UsedFlows | None = None,
        provider_id: str = "",
    ) -> None:
        self.provider, self.store = Provider(), store
        self.heard: list[tuple[str, str]] = []
        store.changes.heard = self._hear  # type: ignore[method-assign]
        limiter = AttemptLimiter("portal", store.attempts, LockoutPolicy(pair_limit=3, first_delay=0.0))
        self.users = Users(known_users(*of_file), store.users, Passwords(), Clock())
        self.sign_ins = ProviderSignIn(
            self.provider,
            rules,
            self.users,
            used or store.once,
            limiter,
            store.changes,
            secrets.token_bytes,
            Clock(),
            provider_id,
        )

    def _hear(self, action: str, target: str, *_: object) -> None:
        if action.startswith("sign_in"):
            self.heard.append((action, target))

    async def sign_in(self, address: str = "192.0.2.1") -> User:
        _, flow = await self.sign_ins.begin("")
        user, _ = await self.sign_ins.finish([], flow, address)
        return user


async def test_the_first_sign_in_makes_an_account_and_later_ones_find_it(store: Store) -> None:
    stage = Stage(store)
    first = await stage.sign_in()
    assert (first.name, first.provider, first.password, first.admin) == ("ann", ISSUER, "", False)
    stage.provider.claims = {"sub": "1", "preferred_username": "renamed"}
    assert await stage.sign_in() == first
    assert stage.heard == [("sign_in", first.id)] * 2
    assert await stage.sign_ins.logout("x") == f"{ISSUER}/end?x"


async def test_nobody_gets_the_account_of_another_with_the_same_name(store: Store) -> None:
    stage = Stage(store, User("boss", "secret", role="admin"))
    own = await stage.users.create("ann", "correct horse", "192.0.2.1")
    first = await stage.sign_in()
    assert first.id != own.id
    assert first.name.startswith("ann-")
    stage.provider.claims = {"sub": "2", "preferred_username": "BOSS"}
    second = await stage.sign_in()
    assert second.name.startswith("BOSS-")
    assert not second.admin


async def test_roles_change_and_end_sessions(store: Store) -> None:
    stage = Stage(store)
    first = await stage.sign_in()
    stage.provider.claims = ANN | {"groups": ["admins"]}
    second = await stage.sign_in()
    assert (second.admin, second.id) == (True, first.id)
    assert second.generation != first.generation
    stage.provider.claims = dict(ANN)
    assert not (await stage.sign_in()).admin


async def test_who_is_blocked_pending_or_not_allowed_is_not_let_in(store: Store) -> None:
    stage = Stage(store)
    user = await stage.sign_in()
    blocked = await store.users.replace(user, User(**_facts(user) | {"blocked": True}))
    with pytest.raises(NotAdmitted, match="blocked"):
        await stage.sign_in()
    await store.users.replace(blocked, User(**_facts(user) | {"pending": True}))
    with pytest.raises(NotApproved):
        await stage.sign_in()
    strict = ProviderRules(ISSUER, "name", None, ClaimMatch("groups", frozenset({"dev"})))
    with pytest.raises(NotAdmitted, match="allow"):
        await Stage(store, rules=strict).sign_in()


@pytest.mark.parametrize(
    ("claims", "address"),
    [
        ({"email": "Ann@Example.org", "email_verified": True}, "Ann@example.org"),
        ({"email": "ann@example.org"}, ""),
        ({"email": "ann@example.org", "email_verified": "true"}, ""),
        ({"email": "ann@example.org", "email_verified": False}, ""),
        ({"email": "ann@example.org\r\nBcc: x@y", "email_verified": True}, ""),
        ({"email": ["ann@example.org"], "email_verified": True}, ""),
        ({"email_verified": True}, ""),
    ],
)
async def test_only_a_verified_email_of_the_provider_is_offered(
    store: Store, claims: dict[str, Any], address: str
) -> None:
    stage = Stage(store)
    stage.provider.claims = {**ANN, "email": "", **claims}
    _, flow = await stage.sign_ins.begin("")
    assert (await stage.sign_ins.finish([], flow, "192.0.2.1"))[1] == address


def _facts(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("name", "password", "source", "created", "id", "provider")}


async def test_a_flow_is_used_once_and_must_be_there(store: Store) -> None:
    stage = Stage(store)
    _, flow = await stage.sign_ins.begin("")
    await stage.sign_ins.finish([], flow, "192.0.2.1")
    with pytest.raises(ProviderRefused, match="already"):
        await stage.sign_ins.finish([], flow, "192.0.2.1")
    with pytest.raises(ProviderRefused, match="begun no"):
        await stage.sign_ins.finish([], None, "192.0.2.1")
    assert [action for action, _ in stage.heard] == ["sign_in", "sign_in.failed", "sign_in.failed"]


async def test_a_flow_of_another_provider_is_refused_before_anything_is_asked(store: Store) -> None:
    one, other = Stage(store), Stage(store, provider_id="github")
    _, flow = await one.sign_ins.begin("")
    with pytest.raises(ProviderRefused, match="another provider"):
        await other.sign_ins.finish([], flow, "192.0.2.1")
    assert other.provider.asked == 0
    # It was not used up by that.
    user, _ = await one.sign_ins.finish([], flow, "192.0.2.1")
    assert user.name == "ann"
    _, back = await other.sign_ins.begin("")
    assert (back.provider, read_flow(back.text())) == ("github", back)
    with pytest.raises(ProviderRefused, match="another provider"):
        await one.sign_ins.finish([], back, "192.0.2.1")


async def test_while_the_store_is_away_nobody_signs_in_at_a_provider(store: Store) -> None:
    class Away:
        async def first(self, purpose: str, name: str, seconds: int) -> bool:
            del purpose, name, seconds
            raise StoreUnavailable("away")

    stage = Stage(store, used=Away())
    _, flow = await stage.sign_ins.begin("")
    with pytest.raises(StoreUnavailable):
        await stage.sign_ins.finish([], flow, "192.0.2.1")
    assert stage.provider.asked == 0, "the code is not spent on what can't be completed"
    assert stage.heard == []


async def test_many_wrong_answers_lock_an_address_out(store: Store) -> None:
    stage = Stage(store)
    stage.provider.claims = ProviderRefused("wrong")
    for _ in range(3):
        with pytest.raises(ProviderRefused):
            await stage.sign_in()
    with pytest.raises(TooManyAttempts):
        await stage.sign_in()
    stage.provider.claims = dict(ANN)
    with pytest.raises(TooManyAttempts):
        await stage.sign_in()
    assert (await stage.sign_in("198.51.100.9")).name == "ann"


async def test_whoever_says_no_at_the_provider_is_not_counted(store: Store) -> None:
    stage = Stage(store)
    stage.provider.claims = ProviderRefused("access_denied", by_person=True)
    for _ in range(5):
        with pytest.raises(ProviderRefused):
            await stage.sign_in()


async def test_an_account_that_was_deleted_is_made_anew_with_the_same_id(store: Store) -> None:
    stage = Stage(store)
    first = await stage.sign_in()
    await stage.users.delete(first)
    second = await stage.sign_in()
    assert second.id == first.id
    assert second.generation != first.generation
