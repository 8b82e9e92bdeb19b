"""`portal.oidc`: what a provider's settings may be."""

from __future__ import annotations

import pytest

from gateway.config.portal_oidc import PortalOidc
from tests.config.example import problems, settings

TEXT = """portal:
  oidc:
    client_id: gatepost
    {line}
"""
SECRET = "client_secret: 0123456789abcdef0123456789abcdef"


def with_lines(*lines: str) -> str:
    return TEXT.format(line="\n    ".join(lines))


@pytest.mark.parametrize(
    "issuer",
    [
        "https://id.example",
        "https://id.example/realms/a",
        "http://127.0.0.1:8080",
        "http://[::1]:1/a",
        "http://localhost:8080/realms/a",
    ],
)
def test_an_issuer_is_https_or_on_loopback(issuer: str) -> None:
    found = settings(with_lines(f"issuer: {issuer}", SECRET)).portal.oidc
    assert isinstance(found, PortalOidc)
    assert (found.issuer, found.scopes) == (issuer, ("openid", "profile", "email"))
    assert (found.admins, found.allow, found.name, found.ca) == (None, None, "single sign-on", None)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["issuer: http://id.example", SECRET], "4:13: portal.oidc.issuer: must be an https URL; http is"),
        (["issuer: http://127.0.0.1.evil.example", SECRET], "must be an https URL; http is allowed on loop"),
        (["issuer: 'https://id.example?a=b'", SECRET], "must have no query"),
        (["issuer: 'https://a:b@id.example'", SECRET], "must not hold a user name"),
        (["issuer: id.example", SECRET], "must be a URL such as"),
        (["issuer: https://id.example"], "portal.oidc.client_secret"),
        (["issuer: https://id.example", "client_secret: ''"], "portal.oidc.client_secret"),
        (["issuer: https://id.example", "client_secret: ${NO_SUCH_SECRET}"], "NO_SUCH_SECRET"),
        (["issuer: https://id.example", SECRET, "scopes: [email]"], "must hold openid"),
        (["issuer: https://id.example", SECRET, "name: ' '"], "must be a line of text"),
        (["issuer: https://id.example", SECRET, "admins: {claim: groups, values: []}"], "admins.values"),
        (["issuer: https://id.example", SECRET, "allow: {values: [a]}"], "allow.claim"),
        (["issuer: https://id.example", SECRET, "ca: none.pem"], "portal.oidc.ca: there is no such file"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_key(lines: list[str], says: str) -> None:
    found = problems(with_lines(*lines))
    assert len(found) == 1, found
    assert says in found[0]
    assert "0123456789abcdef" not in found[0]


SEVERAL = """portal:
  oidc:
    - {{name: one, issuer: "https://id.example", client_id: gatepost, client_secret: s}}
    - {{{second}, client_id: gatepost, client_secret: s}}
"""


def test_several_providers_are_a_list() -> None:
    found = settings(SEVERAL.format(second="name: two, id: b, issuer: 'https://b.example'")).portal
    assert [one.issuer for one in found.providers.values()] == ["https://id.example", "https://b.example"]
    assert [*found.providers] == [("oidc", 0), ("oidc", 1)]
    one = settings(with_lines("issuer: https://id.example", SECRET)).portal
    assert [*one.providers] == [("oidc",)]


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (
            "name: two, issuer: 'https://b.example'",
            "portal.oidc[1].id: another provider has this id, or none",
        ),
        (
            "name: two, id: b, issuer: 'https://id.example'",
            "portal.oidc[1].issuer: another provider has this",
        ),
        ("name: One, id: b, issuer: 'https://b.example'", "portal.oidc[1].name: another provider has this n"),
        ("name: two, id: b/c, issuer: 'https://b.example'", "portal.oidc[1].id: must be 1 to 64 letters"),
        ("name: two, id: b, issuer: 'http://b.example'", "portal.oidc[1].issuer: must be an https URL"),
        ("name: two, id: b, isuer: 'https://b.example'", "did you mean issuer"),
        ("name: two, id: b, issuer: 'https://b.example', ca: n.pem", "portal.oidc[1].ca: there is no such"),
    ],
)
def test_what_several_providers_must_not_share_is_said(second: str, says: str) -> None:
    found = problems(SEVERAL.format(second=second))
    assert any(says in one for one in found), found


@pytest.mark.parametrize("text", ["[]", "single", "[a]"])
def test_what_is_no_provider_is_refused(text: str) -> None:
    (found,) = problems(f"portal: {{oidc: {text}}}")
    assert "portal.oidc" in found
