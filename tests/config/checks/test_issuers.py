import pytest

from tests.config.example import problems

TEXT = """
issuers:
  corp: {issuer: 'https://id.example', audiences: [a]}
  %s
routes:
  - {path: /a, upstream: 'http://h', %s}
"""


def found(issuer: str = "", route: str = "") -> list[str]:
    return problems(TEXT % (issuer, route))


def test_issuers_that_routes_name_are_fine() -> None:
    assert found("partner: {issuer: 'https://p.example', audiences: [b]}", "issuers: [corp, partner]") == []
    assert found("", "issuers: [corp], own_tokens: false") == []


@pytest.mark.parametrize(
    ("issuer", "route", "problem"),
    [
        ("", "issuers: [crop]", "routes[0].issuers[0]: there is no issuer of this name (did you mean corp?)"),
        ("", "own_tokens: false", "routes[0].own_tokens: no token would be accepted"),
        ("", "auth: none, issuers: [corp]", "routes[0].issuers: has no effect"),
        ("b: {issuer: 'https://id.example', audiences: [a]}", "", "issuers.b.issuer: is taken already"),
        ("b: {issuer: 'https://localhost:8243', audiences: [a]}", "", "issuers.b.issuer: is taken already"),
        ("b: {issuer: 'https://b.example'}", "", "issuers.b: needs audiences"),
        (
            "b: {issuer: 'https://b', audiences: [a], jwks_url: 'https://b', jwks_file: gateway.yaml}",
            "",
            "issuers.b.jwks_file: only one of",
        ),
        (
            "b: {issuer: 'https://b.example', audiences: [a], jwks_file: nowhere.json}",
            "",
            "issuers.b.jwks_file: there is no such file",
        ),
        (
            "b: {issuer: 'https://b.example', audiences: [a], ca: nowhere.pem}",
            "",
            "issuers.b.ca: there is no such file",
        ),
    ],
)
def test_what_does_not_go_together_is_reported(issuer: str, route: str, problem: str) -> None:
    (line,) = found(issuer, route)
    assert problem in line


def test_a_client_can_not_be_called_like_another_issuers() -> None:
    clients = "\nclients: [{id: 'corp:shop', secrets: [x]}, {id: 'other:shop', secrets: [x]}]"
    (line,) = problems(TEXT % ("", "") + clients)
    assert "clients[0].id: is reserved for clients of the issuer corp" in line


def test_files_of_signing_keys_are_there() -> None:
    (line,) = problems("tokens: {signing: {keys: [nowhere.pem]}}")
    assert "tokens.signing.keys[0]: there is no such file" in line
