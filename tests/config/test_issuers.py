"""`issuers` in gateway.yaml, and what tokens and routes say of them."""

import pytest

from tests.config.example import problems, settings

CORP = "issuers: {corp: {issuer: 'https://id.example', audiences: [a], %s}}"


def test_an_issuer_needs_little() -> None:
    corp = settings(CORP % "").issuers["corp"]
    assert (corp.types, corp.leeway, corp.jwks_url) == (("at+jwt",), 30, None)
    assert (corp.claims.scope, corp.claims.client, corp.claims.user) == ("scope", "client_id", "sub")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("leeway: 61s", "leeway: must be at most 60s"),
        ("algorithms: [none]", "algorithms[0]: "),
        ("algorithms: [HS256]", "algorithms[0]: "),
        ("algorithms: []", "algorithms: "),
        ("types: []", "types: "),
        ("jwks_url: 'ftp://a'", "jwks_url: must be a URL"),
        ("jwks_url: 'https://user:secret@a'", "jwks_url: must not hold a user name"),
        ("claims: {scopes: scp}", "claims.scopes: unknown key"),
    ],
)
def test_what_would_weaken_the_checks_is_refused(text: str, problem: str) -> None:
    (found,) = problems(CORP % text)
    assert f"issuers.corp.{problem}" in found


def test_the_secret_is_not_shown() -> None:
    loaded = settings(
        CORP % "introspection: {url: 'https://id.example/i', client_id: g, client_secret: hidden-word}"
    )
    assert "hidden-word" not in repr(loaded)


def test_token_formats_and_signing() -> None:
    tokens = settings("tokens: {format: jwt, signing: {algorithm: EdDSA, lead: 1m}}").tokens
    assert (tokens.format, tokens.signing.algorithm, tokens.signing.lead) == ("jwt", "EdDSA", 60)
    assert problems("tokens: {format: paseto}")
    assert problems("tokens: {signing: {algorithm: HS256}}")
