"""Signing in to the portal at an OpenID provider (`portal.oidc`), and what is no sign-in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener
from uuid import uuid4

import pytest
from click.testing import Result

from tests.commands.conftest import gatepost
from tests.jose.tokens import OTHER
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, Sheet
from tests.portal.scripted_provider import CLIENT, SECRET, ScriptedProvider, scripted_provider
from tests.ports import free_port
from tests.running import Running

START, CALLBACK = "/portal/sign-in/provider", "/portal/sign-in/callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as one:
        yield one


@pytest.fixture(scope="module")
def running(start: Callable[..., Running], provider: ScriptedProvider) -> Running:
    """A gateway whose people sign in at the provider."""
    return start(**configured(provider.url))


@pytest.fixture(scope="module")
def site(running: Running) -> str:
    """Its URL."""
    return running.http


def configured(issuer: str, **more: Any) -> dict[str, Any]:
    """The sections of a gateway.yaml with `portal.oidc`, reached where its public URL says."""
    port = free_port()
    oidc = {
        "name": "Company login",
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "admins": {"claim": "groups", "values": ["gatepost-admins"]},
        "allow": {"claim": "roles", "values": ["developer"]},
    }
    return {
        "server": {
            "listen": [{"port": port, "host": "127.0.0.1"}],
            "public_url": f"http://127.0.0.1:{port}",
            "trusted_proxies": ["127.0.0.1/32"],
        },
        "portal": {"users": [{"name": ADMIN, "password": PASSWORD, "admin": True}], "oidc": oidc | more},
    }


@pytest.fixture
def person(provider: ScriptedProvider) -> str:
    """The subject of somebody new, who signs in next."""
    subject = uuid4().hex
    provider.reset(subject, preferred_username=f"ada-{subject[:8]}", roles=["developer"])
    return subject


def sign_in(reader: Reader, path: str = START) -> Sheet:
    return reader.open(path)


def signed_in(sheet: Sheet) -> bool:
    """Whether somebody is signed in, in this browser."""
    return "/portal/sign-in" not in sheet.reader.open("/portal/applications").url


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def sent_to(reader: Reader, path: str) -> str:
    """Where a path sends the browser, which does not follow."""
    opener = build_opener(HTTPCookieProcessor(reader.cookies), _Stays())
    wanted = Request(reader.base + path, headers={"X-Forwarded-For": reader.address})  # noqa: S310 (the gateway of the test)
    try:
        with opener.open(wanted, timeout=20) as answer:
            return str(answer.headers["Location"])
    except OSError as error:
        return str(error.headers["Location"])  # type: ignore[attr-defined]  # an HTTPError


def answered(reader: Reader, provider: ScriptedProvider, start: str = START) -> dict[str, str]:
    """The answer of the provider, which the browser has not brought back yet."""
    asked = dict(parse_qsl(urlsplit(sent_to(reader, start)).query))
    location = provider.respond("GET", f"/authorize?{urlencode(asked)}", "", "")[1]
    return dict(parse_qsl(urlsplit(location).query))


def brought(reader: Reader, answer: dict[str, str]) -> Sheet:
    return reader.open(f"{CALLBACK}?{urlencode(answer)}")


def test_a_person_signs_in_makes_an_application_and_signs_out(
    site: str, provider: ScriptedProvider, person: str
) -> None:
    reader = Reader(site)
    assert "Sign in with Company login" in reader.open("/portal/sign-in").words
    home = sign_in(reader)
    assert urlsplit(home.url).path == "/portal/applications"
    assert f"ada-{person[:8]}" in home.words
    assert provider.asked["scope"] == "openid profile email"
    assert provider.asked["redirect_uri"] == site + CALLBACK
    path = reader.application("Shop")
    account = reader.open("/portal/account")
    assert "no password here" in account.words
    assert provider.url in account.words
    out = account.submit("/sign-out")
    assert "Sign out there, too" in out.words
    assert not signed_in(out)
    ended = sent_to(reader, "/portal/sign-out/provider")
    assert ended.startswith(f"{provider.url}/logout?client_id={CLIENT}&")
    assert reader.open("/portal/sign-out/provider").url == f"{site}/portal/sign-in"
    # The same person, in another browser, has the same account.
    assert sign_in(again := Reader(site)).status == 200
    assert again.open(path).status == 200


def test_the_page_wanted_first_is_shown_and_no_other_site(
    site: str, provider: ScriptedProvider, person: str
) -> None:
    del provider, person
    assert urlsplit(sign_in(Reader(site), f"{START}?next=/portal/apis").url).path == "/portal/apis"
    for place in ("//evil.example/portal", "https://evil.example", "/portal/../orders", "/orders"):
        shown = sign_in(Reader(site), f"{START}?next={place}")
        assert shown.url == f"{site}/portal/applications"


def test_only_the_browser_that_began_brings_an_answer_back_and_only_once(
    site: str, provider: ScriptedProvider, person: str
) -> None:
    del person
    reader, other = Reader(site), Reader(site)
    answer = answered(reader, provider)
    # A link with somebody else's code signs nobody in: this browser has begun nothing, or something else.
    assert brought(other, answer).status == 400
    answered(other, provider)
    assert brought(other, answer).status == 400
    assert not signed_in(other.open("/portal/sign-in"))
    cookies = [(one.name, one.value) for one in reader.cookies if one.name.endswith("gatepost-sign-in")]
    assert brought(reader, answer).url == f"{site}/portal/applications"
    assert [one for one in reader.cookies if one.name.endswith("gatepost-sign-in")] == []
    # Not even with the cookie, and with a code that was never used.
    fresh = answered(Reader(site), provider) | {"state": answer["state"]}
    for replayed in (answer, fresh):
        thief = Reader(site)
        header = "; ".join(f"{name}={value}" for name, value in cookies)
        shown = thief.open(f"{CALLBACK}?{urlencode(replayed)}", Cookie=header)
        assert (shown.status, "Please start again" in shown.words) == (400, True)
        assert not signed_in(shown)


def test_a_session_of_before_is_not_the_one_after(site: str, provider: ScriptedProvider, person: str) -> None:
    del provider, person
    reader = Reader(site)
    reader.sign_in(ADMIN, PASSWORD)
    before = {one.value for one in reader.cookies if one.name == "gatepost-portal"}
    sign_in(reader)
    after = {one.value for one in reader.cookies if one.name == "gatepost-portal"}
    assert before.isdisjoint(after)
    planted = Reader(site)
    shown = planted.open("/portal/applications", Cookie=f"gatepost-portal={before.pop()}")
    assert "/sign-in" in shown.url, "the earlier session has ended"


NOW = int(time.time())
WRONG: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "another"}},
    "one more audience": {"claims": {"aud": [CLIENT, "another"]}},
    "another azp": {"claims": {"azp": "another"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": NOW - 60}},
    "old": {"claims": {"iat": NOW - 3600}},
    "no subject": {"claims": {"sub": None}},
    "unsigned": {"header": {"alg": "none"}, "key": None},
    "HMAC": {"header": {"alg": "HS256"}},
    "the algorithm of another key": {"header": {"alg": "RS256"}},
    "an access token": {"header": {"typ": "at+jwt"}},
    "a critical header": {"header": {"crit": ["exp"]}},
    "another key": {"key": OTHER},
    "an unknown key": {"header": {"kid": "unknown"}, "key": OTHER},
    "another state": {"answer": {"state": "another"}},
    "no state": {"answer": {"state": ""}},
    "another code": {"answer": {"code": "another"}},
    "no code": {"answer": {"code": ""}},
    "an answer of another issuer": {"answer": {"iss": "https://evil.example"}},
    "an answer of nobody": {"answer": {"iss": ""}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_of_the_provider_signs_nobody_in(
    site: str, provider: ScriptedProvider, person: str, wrong: str
) -> None:
    del person
    for name, value in WRONG[wrong].items():
        setattr(provider, name, getattr(provider, name) | value if isinstance(value, dict) else value)
    shown = sign_in(Reader(site))
    assert shown.status == 400
    assert "The sign-in could not be completed." in shown.words
    assert shown.form("/sign-in").method == "post", "the password form is there"
    assert not signed_in(shown)


def test_the_provider_says_no(site: str, provider: ScriptedProvider, person: str) -> None:
    del person
    provider.answer = {"code": "", "error": "access_denied", "error_description": "<b>no</b>"}
    shown = sign_in(Reader(site))
    assert (shown.status, "Company login did not sign you in." in shown.words) == (403, True)
    assert "<b>no" not in shown.html


def test_a_parameter_that_is_there_twice_is_refused(
    site: str, provider: ScriptedProvider, person: str
) -> None:
    del person
    reader = Reader(site)
    answer = answered(reader, provider)
    shown = reader.open(f"{CALLBACK}?{urlencode(answer)}&code=another")
    assert shown.status == 400


def test_while_the_provider_is_down_the_page_says_so_and_passwords_work(
    start: Callable[..., Running], provider: ScriptedProvider, person: str
) -> None:
    gateway = start(**configured(provider.url)).http
    provider.down = True
    reader = Reader(gateway)
    shown = sign_in(reader)
    assert shown.status == 503
    assert "Company login can't be reached at the moment." in shown.words
    assert shown.headers["Retry-After"] == "5"
    home = shown.submit("/sign-in", name=ADMIN, password=PASSWORD)
    assert home.url == f"{gateway}/portal/applications"
    # One who comes back while it is down is told the same.
    provider.reset(person, roles="developer")
    other = Reader(start(**configured(provider.url)).http)
    answer = answered(other, provider)
    provider.down = True
    assert brought(other, answer).status == 503


def test_roles_are_those_of_each_sign_in(site: str, provider: ScriptedProvider, person: str) -> None:
    del person
    provider.claims["groups"] = ["staff", "gatepost-admins"]
    admin = Reader(site)
    assert "Users" in sign_in(admin).words
    assert admin.open("/portal/users").status == 200
    provider.claims["groups"] = ["staff"]
    assert Reader(site).open(START).status == 200
    # The sessions of the former role have ended.
    assert not signed_in(admin.open("/portal/sign-in"))


def test_who_is_blocked_is_out_and_the_commands_say_where_people_come_from(
    running: Running, provider: ScriptedProvider, person: str
) -> None:
    name, reader = f"ada-{person[:8]}", Reader(running.http)
    sign_in(reader)
    listed = json.loads(command(running, "list", "--json").stdout)
    (one,) = [one for one in listed if one["name"] == name]
    assert (one["provider"], one["source"], one["admin"]) == (provider.url, "store", False)
    assert provider.url in command(running, "list").stdout
    refused = command(running, "reset", name)
    assert refused.exit_code != 0
    assert f"{name} signs in at {provider.url}, and has no password here" in refused.stderr
    assert command(running, "block", name).exit_code == 0
    assert not signed_in(reader.open("/portal/sign-in"))
    shown = sign_in(Reader(running.http))
    assert (shown.status, "You may not use this portal." in shown.words) == (403, True)
    assert command(running, "unblock", name).exit_code == 0
    assert signed_in(sign_in(Reader(running.http)))


def command(running: Running, *words: str) -> Result:
    """`gatepost user …` with the gateway's configuration."""
    with chdir(running.file.parent):
        return gatepost("user", *words, "-c", str(running.file))


@pytest.mark.parametrize("roles", [None, [], "developers", {"developer": True}, ["Developer"]], ids=str)
def test_who_is_not_allowed_is_not_let_in(
    site: str, provider: ScriptedProvider, person: str, roles: object
) -> None:
    del person
    provider.claims["roles"] = roles
    shown = sign_in(Reader(site))
    assert (shown.status, "You may not use this portal." in shown.words) == (403, True)
    assert not signed_in(shown)


def test_a_person_is_never_taken_for_an_account_of_the_same_name(
    site: str, provider: ScriptedProvider, person: str
) -> None:
    provider.claims |= {"preferred_username": ADMIN, "email": f"{ADMIN}@example.org"}
    reader = Reader(site)
    home = sign_in(reader)
    assert f"{ADMIN}-" in home.words
    assert reader.open("/portal/users").status == 404, "no administrator"
    provider.reset(f"{person}-2", preferred_username=ADMIN, roles="developer")
    other = Reader(site)
    sign_in(other)
    path = reader.application("Mine")
    assert other.open(path).status == 404
    administrator = Reader(site)
    administrator.sign_in(ADMIN, PASSWORD)
    shown = administrator.open(f"/portal/users?search={ADMIN}-")
    assert shown.words.count(f"Signs in at {provider.url}") >= 2


def test_an_account_without_a_password_has_none(site: str, provider: ScriptedProvider, person: str) -> None:
    del provider
    reader = Reader(site)
    sign_in(reader)
    for password in ("", "x", "None"):
        assert Reader(site).sign_in(f"ada-{person[:8]}", password).status == 401
    proof = dict(reader.open("/portal/account").form("/sign-out").fields)["proof"]
    form = urlencode({"proof": proof, "current": "", "new": "correct horse", "again": "correct horse"})
    assert reader.open("/portal/account", form.encode()).status == 404
    # The account is deleted without one.
    gone = reader.open("/portal/account/delete").submit("/account/delete")
    assert "Your account is deleted." in gone.words
    assert not signed_in(gone)
    assert urlsplit(sign_in(Reader(site)).url).path == "/portal/applications"


def test_the_audit_log_names_the_provider(
    start: Callable[..., Running], provider: ScriptedProvider, person: str, tmp_path: Path
) -> None:
    file = tmp_path / "audit.log"
    gateway = start(**configured(provider.url), logging={"audit": str(file)})
    sign_in(Reader(gateway.http))
    provider.claims["roles"] = []
    sign_in(Reader(gateway.http))

    def entries() -> list[dict[str, Any]]:
        lines = file.read_text().splitlines() if file.exists() else []
        found = [json.loads(line) for line in lines]
        return [one for one in found if one["action"].startswith("sign_in")]

    deadline = time.monotonic() + 20
    while len(entries()) < 2:
        assert time.monotonic() < deadline, file
        time.sleep(0.02)
    good, bad = entries()
    assert (good["action"], good["after"]["provider"]) == ("sign_in", provider.url)
    assert good["after"]["name"] == f"ada-{person[:8]}"
    assert (bad["action"], bad["after"]["provider"]) == ("sign_in.failed", provider.url)
    assert bad["after"]["reason"] == "portal.oidc.allow does not let them in"


def test_sessions_end_when_gateway_yaml_names_the_provider_no_more(
    start: Callable[..., Running], provider: ScriptedProvider, person: str
) -> None:
    del person
    sections = configured(provider.url)
    gateway = start(**sections)
    reader = Reader(gateway.http)
    sign_in(reader)
    assert signed_in(reader.open("/portal/"))
    text = gateway.file.read_text()
    assert f"issuer: {provider.url}" in text
    gateway.file.write_text(text.replace(f"issuer: {provider.url}", "issuer: https://other.example"))
    gateway.signal(1)
    deadline = time.monotonic() + 20
    while signed_in(reader.open("/portal/sign-in")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_a_provider_there_are_no_such_pages(reader: Reader) -> None:
    for path in (START, CALLBACK, "/portal/sign-out/provider"):
        assert reader.open(path).status == 404
    assert "Sign in with" not in reader.open("/portal/sign-in").words
