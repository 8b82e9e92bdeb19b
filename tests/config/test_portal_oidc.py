"""`portal.oidc`: what a provider's settings may be."""

from __future__ import annotations

import pytest

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
    assert found is not None
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
