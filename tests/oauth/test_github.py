"""GitHub's answers: what is taken of them, and what is not."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import GatepostError
from gateway.oauth.github import (
    GITHUB,
    GithubMisconfigured,
    api_url,
    email_domains,
    github_metadata,
    items_of,
    organizations,
    scopes_for,
    teams,
    token_of,
    user_claims,
    verified_email,
)
from gateway.oauth.oidc import ProviderRefused, SignInFlow, code_of, code_request_url

FLOW = SignInFlow("state", "nonce", "verifier", 1_800_000_600)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        (GITHUB, "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://github.acme.example", "https://github.acme.example/api/v3"),
        ("https://evilghe.com", "https://evilghe.com/api/v3"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"),
    ],
)
def test_github_s_api_is_beside_it(url: str, api: str) -> None:
    assert api_url(url) == api


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ([], []),
        (["id"], []),
        (["teams", "organizations"], ["read:org"]),
        (["organizations", "email_domains"], ["read:org", "user:email"]),
    ],
)
def test_github_is_asked_for_the_least(claims: list[str], scopes: list[str]) -> None:
    assert scopes_for(claims) == scopes


def test_github_is_asked_with_state_and_pkce_and_without_a_nonce() -> None:
    url = code_request_url(github_metadata(GITHUB), "me", "https://g.example/cb", ["read:org"], FLOW)
    assert url.startswith("https://github.com/login/oauth/authorize?")
    asked = parse_qs(urlsplit(url).query)
    assert asked.pop("code_challenge") != ["verifier"]
    assert asked == {
        "response_type": ["code"],
        "client_id": ["me"],
        "redirect_uri": ["https://g.example/cb"],
        "scope": ["read:org"],
        "state": ["state"],
        "code_challenge_method": ["S256"],
    }
    assert "scope" not in code_request_url(github_metadata(GITHUB), "me", "https://g.example", [], FLOW)


def test_github_s_code_is_taken_with_its_own_iss_or_none() -> None:
    metadata, now = github_metadata(GITHUB), FLOW.ends - 1
    good = [("code", "abc"), ("state", "state")]
    assert code_of(good, FLOW, metadata, now) == "abc"
    assert code_of([*good, ("iss", "https://github.com/login/oauth")], FLOW, metadata, now) == "abc"
    for wrong in ([*good, ("iss", "https://evil.example")], [("code", "abc"), ("state", "other")], good[:1]):
        with pytest.raises(ProviderRefused):
            code_of(wrong, FLOW, metadata, now)
    with pytest.raises(ProviderRefused, match="too long"):
        code_of(good, FLOW, metadata, FLOW.ends)


def answer(**members: Any) -> bytes:
    return json.dumps(members).encode()


def test_github_s_token_is_taken() -> None:
    good = answer(access_token="gho_16C7e42F292c6912E7710c838347Ae178B4a", scope="", token_type="Bearer")
    assert token_of(good) == "gho_16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize(
    ("members", "kind", "says"),
    [
        ({"error": "bad_verification_code"}, ProviderRefused, "answered bad_verification_code"),
        ({"error": "unverified_user_email"}, ProviderRefused, "unverified_user_email"),
        ({"error": "new\nline", "access_token": "t"}, ProviderRefused, "an error that is none"),
        ({"error": None, "access_token": "t", "token_type": "bearer"}, ProviderRefused, "that is none"),
        ({"error": "incorrect_client_credentials"}, GithubMisconfigured, "incorrect_client_credentials"),
        ({"error": "redirect_uri_mismatch"}, GithubMisconfigured, "redirect_uri_mismatch"),
    ],
    ids=str,
)
def test_github_s_errors_come_with_status_200(
    members: dict[str, Any], kind: type[GatepostError], says: str
) -> None:
    with pytest.raises(kind, match=says) as found:
        token_of(answer(**members))
    by_person = members["error"] == "unverified_user_email"
    assert getattr(found.value, "by_person", False) is by_person


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"access_token=gho_1&scope=&token_type=bearer",
        b"<html>Unicorn!</html>",
        b"[]",
        b'"gho_1"',
        b"\xff\xfe",
        b"[" * 100_000,
        answer(token_type="bearer"),
        answer(access_token="", token_type="bearer"),
        answer(access_token=["gho_1"], token_type="bearer"),
        answer(access_token="gho_1\r\nX-Evil: 1", token_type="bearer"),
        answer(access_token="g" * 1025, token_type="bearer"),
        answer(access_token="gho_1"),
        answer(access_token="gho_1", token_type="mac"),
        answer(access_token="gho_1", token_type=None),
    ],
    ids=lambda text: text[:40],
)
def test_github_s_answer_without_a_token_is_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"GitHub's answer|the token endpoint") as found:
        token_of(text)
    assert "gho_1" not in str(found.value)


ADA = {"id": 583231, "login": "ada", "type": "User", "name": "Ada"}


def test_github_s_user_is_the_number() -> None:
    claims = user_claims(answer(**ADA, email="ada@example.org"))
    assert claims == {"sub": "583231", "id": "583231", "login": "ada", "name": "Ada"}
    assert user_claims(answer(**ADA | {"login": "bob", "name": None})) == {
        "sub": "583231",
        "id": "583231",
        "login": "bob",
    }


@pytest.mark.parametrize(
    "changed",
    [{"id": one} for one in (None, "583231", True, 0, -1, 1.5)]
    + [{"login": one} for one in (None, "", 7, "a" * 101)],
    ids=str,
)
def test_github_s_user_without_number_or_login_is_none(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="/user has no"):
        user_claims(answer(**ADA | changed))


@pytest.mark.parametrize("kind", ["Bot", "Organization", None, ["User"]])
def test_github_s_account_of_no_person_signs_nobody_in(kind: object) -> None:
    with pytest.raises(ProviderRefused, match="no person"):
        user_claims(answer(**ADA | {"type": kind}))


def test_github_s_memberships_count_when_they_are_active() -> None:
    acme, other = {"login": "Acme", "id": 12}, {"login": "other", "id": 13}
    found = [
        {"state": "active", "organization": acme},
        {"state": "pending", "organization": other},
        {"organization": other},
        {"state": "active", "organization": "other"},
        {"state": "active", "organization": {"login": 7, "id": True}},
    ]
    assert organizations(found) == ["id:12", "acme"]


def test_github_s_teams_are_those_of_their_organization() -> None:
    found = [
        {"id": 7, "slug": "Admins", "organization": {"login": "Acme"}},
        {"id": 8, "slug": "admins"},
        {"id": 9, "slug": None, "organization": {"login": "acme"}},
        {"slug": "x", "organization": {"login": ""}},
    ]
    assert teams(found) == ["id:7", "acme/admins", "id:8", "id:9"]


def test_github_s_addresses_count_when_they_are_verified() -> None:
    found: list[dict[str, Any]] = [
        {"email": "ada@Example.org", "verified": True, "primary": False},
        {"email": "ada@acme.example", "verified": False, "primary": True},
        {"email": "ada@b.example", "verified": "true"},
        {"email": "ada@c.example"},
        {"email": "nobody@acme.example@d.example", "verified": True},
        {"email": "ada@", "verified": True},
        {"email": None, "verified": True},
    ]
    assert email_domains(found) == ["example.org", "d.example"]


@pytest.mark.parametrize(
    ("found", "email"),
    [
        ([("Ada@b.example", True, True), ("ada@c.example", True, False)], "Ada@b.example"),
        ([("ada@c.example", True, False), ("ada@b.example", False, True)], None),
        ([("ada@c.example", True, False)], None),
        ([("ada@c.example", "true", True)], None),
        ([(None, True, True)], None),
        ([], None),
    ],
)
def test_github_s_primary_address_is_somebody_s_when_it_is_verified(
    found: list[tuple[object, object, object]], email: str | None
) -> None:
    claims = verified_email([dict(zip(("email", "verified", "primary"), one, strict=True)) for one in found])
    assert claims == ({} if email is None else {"email": email, "email_verified": True})


@pytest.mark.parametrize("text", [b"", b"{}", b'{"message": "Not Found"}', b"null", b"<html>"])
def test_github_s_lists_are_lists(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"no list|no JSON"):
        items_of(text)
    assert items_of(b'[{"a": 1}, 7, null]') == [{"a": 1}]
