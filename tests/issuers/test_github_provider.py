"""GitHub over HTTP: the exchange of codes, the lists of its API, and answers that are wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from gateway.errors import IssuerUnavailable
from gateway.issuers import github_provider
from gateway.issuers.aiohttp_client import AiohttpClient
from gateway.issuers.github_provider import GithubProvider
from gateway.oauth.oidc import ProviderRefused, SignInFlow, new_flow
from tests.portal.scripted_github import (
    API,
    APP,
    APP_SECRET,
    HUGE,
    Account,
    Answer,
    ScriptedGithub,
    never,
    says,
    scripted_github,
)
from tests.services import Clock

BACK = "https://g.example/portal/sign-in/callback/github"
TOKEN = "/login/oauth/access_token"
ALL = ("organizations", "teams", "email_domains")


@pytest.fixture
def github() -> Any:
    with scripted_github() as one:
        one.account = Account(583231, "ada").join("Acme", 12, "admins").mail("ada@example.org", primary=True)
        yield one


@pytest.fixture
async def http() -> AsyncIterator[AiohttpClient]:
    client = AiohttpClient(5.0)
    yield client
    await client.stop()


class Stage:
    """One sign-in."""

    def __init__(
        self, github: ScriptedGithub, http: AiohttpClient, *claims: str, secret: str = APP_SECRET
    ) -> None:
        self.clock = Clock()
        self.flow = new_flow(lambda count: b"a" * count, self.clock(), "", "github")
        self.provider = GithubProvider(
            http, url=github.url, client=(APP, secret), redirect_uri=BACK, claims=claims, clock=self.clock
        )

    async def answer(self, flow: SignInFlow | None = None) -> list[tuple[str, str]]:
        """What the browser brings back."""
        place = await self.provider.begin(flow or self.flow)
        async with aiohttp.ClientSession() as browser, browser.get(place, allow_redirects=False) as found:
            location = urlsplit(found.headers["Location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" == BACK
        return parse_qsl(location.query)

    async def finish(self) -> Mapping[str, Any]:
        return await self.provider.finish(await self.answer(), self.flow)


async def test_github_says_who_has_signed_in(github: ScriptedGithub, http: AiohttpClient) -> None:
    stage = Stage(github, http, *ALL)
    assert await stage.finish() == {
        "sub": "583231",
        "id": "583231",
        "login": "ada",
        "name": "Ada Lovelace",
        "organizations": ["id:12", "acme"],
        "teams": ["id:120", "acme/admins"],
        "email_domains": ["example.org"],
        "email": "ada@example.org",
        "email_verified": True,
    }
    assert github.asked["scope"] == "read:org user:email"
    assert await stage.provider.logout("https://g.example/") == f"{github.url}/logout"


async def test_github_is_not_asked_for_what_nobody_needs(github: ScriptedGithub, http: AiohttpClient) -> None:
    assert set(await Stage(github, http, "id").finish()) == {"sub", "id", "login", "name"}
    assert "scope" not in github.asked
    assert [one for one in github.seen if API in one] == [f"GET {API}/user"]


async def test_github_s_lists_come_in_pages(github: ScriptedGithub, http: AiohttpClient) -> None:
    github.account = Account(1, "ada")
    for number in range(120):
        github.account.join(f"org-{number}", 1000 + number)
    claims = await Stage(github, http, "organizations").finish()
    assert len(claims["organizations"]) == 240
    assert "org-119" in claims["organizations"]
    assert github.seen.count(f"GET {API}/user/memberships/orgs") == 3


async def test_github_s_lists_without_an_end_are_left(github: ScriptedGithub, http: AiohttpClient) -> None:
    full = "[" + ",".join(['{"state": "pending"}'] * github_provider.PER_PAGE) + "]"
    github.wrong[f"{API}/user/memberships/orgs"] = says(full)
    assert (await Stage(github, http, "organizations").finish())["organizations"] == []
    assert github.seen.count(f"GET {API}/user/memberships/orgs") == github_provider.MOST_PAGES


async def test_github_s_code_is_good_once_and_with_its_verifier(
    github: ScriptedGithub, http: AiohttpClient
) -> None:
    stage = Stage(github, http)
    answer = await stage.answer()
    assert (await stage.provider.finish(answer, stage.flow))["id"] == "583231"
    with pytest.raises(ProviderRefused, match="bad_verification_code"):
        await stage.provider.finish(answer, stage.flow)
    # A code that was got for another verifier.
    other = new_flow(lambda count: b"b" * count, stage.clock(), "", "github")
    stolen = [(name, value) for name, value in await stage.answer(other) if name == "code"]
    with pytest.raises(ProviderRefused, match="bad_verification_code"):
        await stage.provider.finish([*stolen, ("state", stage.flow.state)], stage.flow)
    # One that came to an end, or to another browser, is not even asked for.
    github.seen.clear()
    with pytest.raises(ProviderRefused, match="state"):
        await stage.provider.finish([*stolen, ("state", other.state)], stage.flow)
    stage.clock.now = stage.flow.ends
    with pytest.raises(ProviderRefused, match="too long"):
        await stage.provider.finish([*stolen, ("state", stage.flow.state)], stage.flow)
    assert github.seen == []


WRONG: list[tuple[str, Answer, type[Exception], str]] = [
    (TOKEN, says("", 503), IssuerUnavailable, "answered 503"),
    (TOKEN, says("", 404), IssuerUnavailable, "answered 404"),
    (TOKEN, says("", 302, Location="https://evil.example/"), IssuerUnavailable, "answered 302"),
    (TOKEN, says("<html>Unicorn!"), IssuerUnavailable, "no JSON"),
    (TOKEN, says("access_token=gho_1&token_type=bearer"), IssuerUnavailable, "no JSON"),
    (TOKEN, says(b" " * HUGE), IssuerUnavailable, "too large"),
    (TOKEN, says('{"error": "bad_verification_code"}'), ProviderRefused, "bad_verification_code"),
    (TOKEN, says('{"error": "slow_down"}'), ProviderRefused, "slow_down"),
    (f"{API}/user", says("{}"), IssuerUnavailable, "/user has no id"),
    (f"{API}/user", says("", 301, Location="https://evil.example/"), IssuerUnavailable, "answered 301"),
    (f"{API}/user", says(b"\x1f\x8b\x08", 200), IssuerUnavailable, "no JSON"),
    (f"{API}/user", says("", 500), IssuerUnavailable, "answered 500"),
    (f"{API}/user/memberships/orgs", says("{}"), IssuerUnavailable, "no list"),
    (f"{API}/user/memberships/orgs", says("", 429), IssuerUnavailable, "answered 429"),
    (f"{API}/user/memberships/orgs", says("", 403), ProviderRefused, "lacks a scope or permission"),
    (f"{API}/user/teams", says(b"[" + b" " * HUGE), IssuerUnavailable, "too large"),
    (f"{API}/user/emails", says("", 404), ProviderRefused, "lacks a scope or permission"),
]


@pytest.mark.parametrize(
    ("path", "answer", "kind", "reason"), WRONG, ids=[f"{path} {reason}" for path, _, _, reason in WRONG]
)
async def test_github_s_wrong_answer_signs_nobody_in(
    github: ScriptedGithub,
    http: AiohttpClient,
    caplog: pytest.LogCaptureFixture,
    path: str,
    answer: Answer,
    kind: type[Exception],
    reason: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    stage = Stage(github, http, *ALL)
    github.wrong[path] = answer
    with pytest.raises(kind, match=reason):
        await stage.finish()
    if kind is IssuerUnavailable:
        assert f"the sign-in at {github.url} can't be completed" in caplog.text
    for secret in (APP_SECRET, stage.flow.verifier, *github.tokens, "gho_"):
        assert secret not in caplog.text


async def test_github_that_is_slow_or_away_keeps_nobody_waiting(
    github: ScriptedGithub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (TOKEN, f"{API}/user", f"{API}/user/teams"):
        client = AiohttpClient(0.3)
        github.wrong = {path: never}
        with pytest.raises(IssuerUnavailable, match="no answer in time"):
            await Stage(github, client, *ALL).finish()
        await client.stop()
    # Each answer comes in time, but all of them together do not.
    monkeypatch.setattr(github_provider, "LONGEST", 0.3)
    client = AiohttpClient(30.0)
    with pytest.raises(IssuerUnavailable, match="it took too long"):
        await Stage(github, client, *ALL).finish()
    stage = Stage(github, client)
    answer = await stage.answer()
    gone = GithubProvider(
        client, url="http://127.0.0.1:1", client=(APP, "s"), redirect_uri=BACK, claims=(), clock=stage.clock
    )
    caplog.clear()
    with pytest.raises(IssuerUnavailable):
        await gone.finish(answer, stage.flow)
    assert "the sign-in at http://127.0.0.1:1 can't be completed" in caplog.text
    await client.stop()


async def test_github_a_wrong_secret_is_the_operator_s_matter(
    github: ScriptedGithub, http: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(IssuerUnavailable):
        await Stage(github, http, secret="another").finish()
    assert "the token endpoint answered incorrect_client_credentials" in caplog.text
    assert "another" not in caplog.text


async def test_github_access_that_was_taken_back_signs_nobody_in(
    github: ScriptedGithub, http: AiohttpClient
) -> None:
    github.revoked = True
    with pytest.raises(ProviderRefused, match="the token is not taken"):
        await Stage(github, http).finish()


@pytest.mark.parametrize(
    ("granted", "claim"), [("", "organizations"), ("read:org", "email_domains"), ("user:email", "teams")]
)
async def test_github_a_scope_that_was_not_granted_signs_nobody_in(
    github: ScriptedGithub, http: AiohttpClient, granted: str, claim: str
) -> None:
    github.granted = granted
    with pytest.raises(ProviderRefused, match="lacks a scope"):
        await Stage(github, http, claim).finish()
