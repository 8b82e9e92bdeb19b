"""`portal.github`: what the settings of a GitHub may be."""

from __future__ import annotations

import pytest

from gateway.config.portal_github import PortalGithub
from tests.config.example import problems, settings

SECRET = "0123456789abcdef0123456789abcdef"
ORGS = "organizations: [acme]"


def text(*members: str) -> str:
    return f"portal:\n  github: {{client_id: me, client_secret: {SECRET}, {', '.join(members)}}}\n"


def found(*members: str) -> PortalGithub:
    given = settings(text(*members)).portal.github
    assert isinstance(given, PortalGithub)
    return given


def test_github_has_defaults_but_for_who_may_sign_in() -> None:
    given = found(ORGS)
    assert (given.id, given.name, given.url, given.issuer) == (
        "github", "GitHub", "https://github.com", "https://github.com"
    )  # fmt: skip
    assert (given.admins, given.allow, given.anybody, given.ca) == (None, None, False, None)


@pytest.mark.parametrize(
    ("url", "known_as"),
    [
        ("https://GitHub.acme.example/", "https://github.acme.example"),
        ("https://acme.ghe.com", "https://acme.ghe.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_github_of_one_s_own_is_known_by_its_address(url: str, known_as: str) -> None:
    assert found(ORGS, f"url: '{url}'").url == known_as


def test_github_s_names_are_the_same_in_upper_and_lower_case() -> None:
    given = found("organizations: [Acme, 'id:12']", "email_domains: [Example.org]")
    assert (given.organizations, given.email_domains) == (("acme", "id:12"), ("example.org",))


@pytest.mark.parametrize(
    "members",
    [
        ["anybody: true"],
        ["email_domains: [example.org]"],
        ["allow: {claim: teams, values: [acme/dev_ops.x, 'id:7']}"],
        ["allow: {claim: id, values: ['583231']}"],
        [ORGS, "admins: {claim: teams, values: [Acme/admins]}", "publishers: {claim: id, values: ['1']}"],
    ],
)
def test_github_who_may_sign_in_is_said(members: list[str]) -> None:
    assert found(*members).client_id == "me"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "portal.github: must say who may sign in"),
        (["anybody: false"], "must say who may sign in"),
        (["organizations: []"], "must say who may sign in"),
        ([ORGS, "anybody: true"], "anybody: true and organizations"),
        ([ORGS, "url: 'http://github.acme.example'"], "github.url: must be an https URL"),
        ([ORGS, "url: 'https://github.com/login'"], "github.url: must have no path"),
        ([ORGS, "url: 'https://github.com?a=b'"], "github.url: must have no query"),
        ([ORGS, "url: 'https://a:b@github.com'"], "github.url: must not hold a user name"),
        (["organizations: ['acme corp']"], "organizations[0]: must be an organization's name, or id:"),
        (["organizations: ['id:abc']"], "organizations[0]: must be an organization's name"),
        (["organizations: ['-acme']"], "organizations[0]: must be an organization's name"),
        (["organizations: [12]"], "organizations[0]: must be a string"),
        (["email_domains: ['@example.org']"], "email_domains[0]: must be a domain"),
        (["email_domains: ['*.example.org']"], "email_domains[0]: must be a domain"),
        (["email_domains: ['10.0.0.1']"], "email_domains[0]: must be a domain"),
        (["allow: {claim: login, values: [ada]}"], "allow.claim: must be organizations, teams or id"),
        (["allow: {claim: id, values: [ada]}"], "allow: must be a user's number"),
        (["allow: {claim: teams, values: [admins]}"], "allow: must be ORGANIZATION/TEAM"),
        (["allow: {claim: teams, values: []}"], "allow.values: must not be empty"),
        ([ORGS, "id: a/b"], "github.id: must be 1 to 64 letters"),
        ([ORGS, "scopes: [repo]"], "github.scopes: unknown key"),
        ([ORGS, "ca: none.pem"], "github.ca: there is no such file"),
    ],
    ids=str,
)  # fmt: skip
def test_github_what_is_wrong_is_said_at_its_key(members: list[str], says: str) -> None:
    given = problems(text(*members))
    assert len(given) == 1, given
    assert says in given[0]
    assert SECRET not in given[0]


OIDC = "oidc: {issuer: 'https://id.example', client_id: me, client_secret: s"


@pytest.mark.parametrize(
    ("oidc", "more", "says"),
    [
        (f"{OIDC}, id: github}}", "", "portal.github.id: another provider has this id"),
        (f"{OIDC}, name: github}}", "", "portal.github.name: another provider has this name"),
        (OIDC.replace("id.example", "github.com") + "}", "", "portal.github.url: another provider has"),
        (f"{OIDC}}}", "", ""),
    ],
)
def test_github_stands_beside_a_provider_from_which_it_differs(oidc: str, more: str, says: str) -> None:
    given = text(ORGS).replace("portal:\n", f"portal:\n  {oidc}\n") + more
    if says:
        assert says in " ".join(problems(given))
    else:
        assert [*settings(given).portal.providers] == [("oidc",), ("github",)]


def test_github_several_are_a_list() -> None:
    one = "{client_id: me, client_secret: s, anybody: true"
    both = f"portal: {{github: [{one}}}, {one}, id: own, name: Own, url: 'https://github.acme.example'}}]}}"
    assert [*settings(both).portal.providers] == [("github", 0), ("github", 1)]
    (wrong,) = problems(both.replace("id: own, ", ""))
    assert "portal.github[1].id: another provider has this id" in wrong
