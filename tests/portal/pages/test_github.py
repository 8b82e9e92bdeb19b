"""Signing in to the portal at GitHub (`portal.github`), beside an OpenID provider, and what is no sign-in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener
from uuid import uuid4

import pytest

from tests.portal.pages.test_provider import configured, sent_to, signed_in
from tests.portal.pages.test_provider import sign_in as sign_in_at_company
from tests.portal.reader import Reader, Sheet
from tests.portal.scripted_github import (
    API,
    APP,
    APP_SECRET,
    Account,
    Answer,
    ScriptedGithub,
    says,
    scripted_github,
)
from tests.portal.scripted_provider import ScriptedProvider, scripted_provider
from tests.running import Running

START, CALLBACK = "/portal/sign-in/provider/github", "/portal/sign-in/callback/github"
NUMBERS = itertools.count(1000)


@pytest.fixture(scope="module")
def github() -> Iterator[ScriptedGithub]:
    with scripted_github() as one:
        yield one


@pytest.fixture(scope="module")
def company() -> Iterator[ScriptedProvider]:
    with scripted_provider() as one:
        yield one


def both(github: ScriptedGithub, company: ScriptedProvider, **more: Any) -> dict[str, Any]:
    """The sections of a gateway.yaml with GitHub beside the company's provider."""
    sections = configured(company.url)
    sections["portal"]["github"] = {
        "url": github.url,
        "client_id": APP,
        "client_secret": APP_SECRET,
        "organizations": ["acme", "id:77"],
        "admins": {"claim": "teams", "values": ["Acme/Gatepost-Admins"]},
    } | more
    return sections


@pytest.fixture(scope="module")
def running(start: Callable[..., Running], github: ScriptedGithub, company: ScriptedProvider) -> Running:
    return start(**both(github, company))


@pytest.fixture(scope="module")
def site(running: Running) -> str:
    return running.http


@pytest.fixture
def ada(github: ScriptedGithub) -> Account:
    """Somebody new, a member of the organization, who is signed in at GitHub."""
    account = Account(next(NUMBERS), f"ada-{uuid4().hex[:8]}").join("Acme", 12, "backend")
    github.reset(account)
    return account


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def answered(reader: Reader, start: str = START) -> dict[str, str]:
    """GitHub's answer, which the browser has not brought back yet."""
    place = sent_to(reader, start)
    try:
        build_opener(_Stays()).open(place, timeout=20)
    except OSError as error:
        location = str(error.headers["Location"])  # type: ignore[attr-defined]  # an HTTPError
        return dict(parse_qsl(urlsplit(location).query))
    raise AssertionError("GitHub sent nobody back")


def brought(reader: Reader, answer: dict[str, str]) -> Sheet:
    return reader.open(f"{CALLBACK}?{urlencode(answer)}")


def test_github_beside_another_provider_signs_somebody_in(
    site: str, github: ScriptedGithub, company: ScriptedProvider, ada: Account
) -> None:
    reader = Reader(site)
    page = reader.open("/portal/sign-in?next=/portal/apis")
    assert "Sign in with Company login" in page.words
    assert "Sign in with GitHub" in page.words
    assert f'href="{START}?next=/portal/apis"' in page.html
    assert urlsplit(reader.open(f"{START}?next=/portal/apis").url).path == "/portal/apis"
    assert github.asked["redirect_uri"] == site + CALLBACK
    assert github.asked["scope"] == "read:org"
    assert github.asked["code_challenge_method"] == "S256"
    path = reader.application("Shop")
    account = reader.open("/portal/account")
    assert ada.login in account.words
    assert github.url in account.words
    assert "You sign in at GitHub, and have no password here." in account.words
    out = account.submit("/sign-out")
    assert "You may still be signed in at GitHub." in out.words
    assert sent_to(reader, "/portal/sign-out/provider/github") == f"{github.url}/logout"
    assert not signed_in(out)
    again = Reader(site)
    again.open(START)
    assert again.open(path).status == 200
    # The other one goes on as before, and its people are others.
    company.reset(str(ada.id), preferred_username=ada.login, roles=["developer"])
    other = Reader(site)
    assert sign_in_at_company(other).status == 200
    assert other.open(path).status == 404


def test_github_s_person_is_the_number_and_not_the_name(
    site: str, github: ScriptedGithub, ada: Account
) -> None:
    ada.join("acme", 12, "gatepost-admins")
    reader = Reader(site)
    assert "Users" in reader.open(START).words
    path = reader.application("Mine")
    taken = ada.login
    ada.login = f"renamed-{uuid4().hex[:8]}"
    renamed = Reader(site)
    renamed.open(START)
    assert renamed.open(path).status == 200
    # Somebody else takes the name that has become free.
    github.reset(Account(next(NUMBERS), taken).join("acme", 12))
    thief = Reader(site)
    assert f"{taken}-" in thief.open(START).words
    assert thief.open(path).status == 404
    assert thief.open("/portal/users").status == 404


def outsider(account: Account) -> Account:
    account.memberships, account.teams = [], []
    return account


NOT_MEMBERS: dict[str, Callable[[Account], Account]] = {
    "in no organization": outsider,
    "in another one": lambda one: outsider(one).join("acme-corp", 13),
    "only invited": lambda one: outsider(one).join("acme", 12, state="pending"),
    "in one whose number is a name": lambda one: outsider(one).join("77", 13),
}


@pytest.mark.parametrize("who", NOT_MEMBERS)
async def test_github_who_is_no_member_is_not_let_in(
    running: Running, github: ScriptedGithub, ada: Account, who: str
) -> None:
    github.reset(NOT_MEMBERS[who](ada))
    shown = Reader(running.http).open(START)
    assert (shown.status, "You may not use this portal." in shown.words) == (403, True)
    assert not signed_in(shown)
    assert await running.line("portal.github.organizations does not let them in")
    github.reset(outsider(ada).join("renamed", 77))
    assert signed_in(Reader(running.http).open(START))


async def test_github_addresses_count_when_they_are_verified(
    start: Callable[..., Running], github: ScriptedGithub, company: ScriptedProvider, ada: Account
) -> None:
    gateway = start(**both(github, company, email_domains=["acme.example"]))
    ada.mail("ada@home.example", primary=True).mail("ada@acme.example", verified=False)
    ada.mail("acme.example@evil.example").mail("ada@sub.acme.example")
    shown = Reader(gateway.http).open(START)
    assert (shown.status, signed_in(shown)) == (403, False)
    assert await gateway.line("portal.github.email_domains does not let them in")
    assert github.asked["scope"] == "read:org user:email"
    ada.mail("Ada@ACME.example")
    assert signed_in(Reader(gateway.http).open(START))
    # Both must hold: an address makes nobody a member.
    outsider(ada)
    assert not signed_in(Reader(gateway.http).open(START))


def test_github_only_the_browser_that_began_brings_an_answer_back_and_once(site: str, ada: Account) -> None:
    del ada
    reader, other = Reader(site), Reader(site)
    answer = answered(reader)
    assert brought(other, answer).status == 400
    answered(other)
    assert brought(other, answer).status == 400
    assert not signed_in(other.open("/portal/sign-in"))
    cookies = "; ".join(f"{one.name}={one.value}" for one in reader.cookies)
    assert signed_in(brought(reader, answer))
    # Not even with the cookie, and with a code that was never used.
    for replayed in (answer, answered(Reader(site)) | {"state": answer["state"]}):
        shown = Reader(site).open(f"{CALLBACK}?{urlencode(replayed)}", Cookie=cookies)
        assert (shown.status, "Please start again" in shown.words) == (400, True)
    # An answer at the other provider's address is none.
    crossed = Reader(site)
    shown = crossed.open(f"/portal/sign-in/callback?{urlencode(answered(crossed))}")
    assert (shown.status, signed_in(shown)) == (400, False)


TOKEN = "/login/oauth/access_token"
BACK: dict[str, dict[str, str]] = {
    "another state": {"state": "another"},
    "no state": {"state": ""},
    "another code": {"code": "another"},
    "no code": {"code": ""},
    "an answer of another issuer": {"iss": "https://evil.example"},
}
WRONG: dict[str, tuple[str, Answer, int]] = {
    "a code that is refused with 200": (TOKEN, says('{"error": "bad_verification_code"}'), 400),
    "no verified address": (TOKEN, says('{"error": "unverified_user_email"}'), 403),
    "a form": (TOKEN, says("access_token=gho_1&token_type=bearer"), 503),
    "a secret that is wrong": (TOKEN, says('{"error": "incorrect_client_credentials"}'), 503),
    "an app that is gone": (TOKEN, says('{"error": "Not Found"}', 404), 503),
    "a page of HTML": (f"{API}/user", says("<html>Unicorn!</html>"), 503),
    "another place": (f"{API}/user", says("", 302, Location="https://evil.example/user"), 503),
    "a token that is refused": (f"{API}/user", says('{"message": "Bad credentials"}', 401), 400),
    "a bot": (f"{API}/user", says('{"id": 7, "login": "bot", "type": "Bot"}'), 400),
    "a scope that lacks": (f"{API}/user/memberships/orgs", says('{"message": "No"}', 403), 400),
    "an error": (f"{API}/user/memberships/orgs", says("", 500), 503),
}


@pytest.mark.parametrize("wrong", BACK)
def test_github_s_answer_that_was_changed_on_the_way_signs_nobody_in(
    site: str, github: ScriptedGithub, ada: Account, wrong: str
) -> None:
    del ada
    github.back = BACK[wrong]
    shown = Reader(site).open(START)
    assert (shown.status, signed_in(shown)) == (400, False)


@pytest.mark.parametrize("wrong", WRONG)
def test_github_s_wrong_answers_sign_nobody_in(
    running: Running, github: ScriptedGithub, ada: Account, wrong: str
) -> None:
    del ada
    path, answer, status = WRONG[wrong]
    github.wrong[path] = answer
    shown = Reader(running.http).open(START)
    assert (shown.status, signed_in(shown)) == (status, False)
    assert shown.form("/sign-in").method == "post", "the password form is there"
    if status == 503:
        assert "GitHub can't be reached at the moment." in shown.words
    for secret in (APP_SECRET, *github.tokens):
        assert secret not in running.output


def test_github_says_no(site: str, github: ScriptedGithub, ada: Account) -> None:
    del ada
    github.back = {"code": "", "error": "access_denied", "error_description": "<b>no</b>"}
    shown = Reader(site).open(START)
    assert (shown.status, "GitHub did not sign you in." in shown.words) == (403, True)
    assert "<b>no" not in shown.html


def test_github_that_took_access_back_signs_nobody_in(
    site: str, github: ScriptedGithub, ada: Account
) -> None:
    del ada
    github.revoked = True
    shown = Reader(site).open(START)
    assert (shown.status, signed_in(shown)) == (400, False)
