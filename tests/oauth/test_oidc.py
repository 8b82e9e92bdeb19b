"""What is asked of an OpenID provider, and which of its answers are taken."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.oauth.oidc import (
    FLOW_LIFETIME,
    ProviderMetadata,
    ProviderRefused,
    authorization_url,
    code_of,
    id_token_of,
    logout_url,
    new_flow,
    read_flow,
    read_provider,
)

ISSUER = "https://id.example/realms/a"
NOW = 1_800_000_000.0
PROVIDER = ProviderMetadata(
    ISSUER, f"{ISSUER}/auth?x=1", f"{ISSUER}/token", f"{ISSUER}/keys", names_itself=True
)
FIRST = itertools.count()
FLOW = new_flow(lambda count: bytes([next(FIRST)]) * count, NOW, "/portal/apis")
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def test_the_authorization_request_has_all_that_binds_the_answer() -> None:
    asked = parse_qs(
        urlsplit(authorization_url(PROVIDER, "me", "https://g.example/cb", ["openid"], FLOW)).query
    )
    assert asked == {
        "x": ["1"],
        "response_type": ["code"],
        "client_id": ["me"],
        "redirect_uri": ["https://g.example/cb"],
        "scope": ["openid"],
        "state": [FLOW.state],
        "nonce": [FLOW.nonce],
        "code_challenge": asked["code_challenge"],
        "code_challenge_method": ["S256"],
    }
    assert FLOW.verifier not in str(asked)


def test_pkce_s256_is_that_of_rfc_7636_appendix_b() -> None:
    flow = replace(FLOW, verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    asked = parse_qs(urlsplit(authorization_url(PROVIDER, "me", "https://g.example", [], flow)).query)
    assert asked["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]


def test_a_flow_is_read_as_it_was_written() -> None:
    assert read_flow(FLOW.text()) == FLOW


def test_a_flow_of_another_release_with_other_members_is_none_instead_of_an_error() -> None:
    told = json.loads(FLOW.text())
    del told["verifier"]
    assert read_flow(json.dumps(told)) is None
    assert read_flow(json.dumps(json.loads(FLOW.text()) | {"later": 1})) is None
    assert (FLOW.ends, FLOW.wanted) == (NOW + FLOW_LIFETIME, "/portal/apis")


GOOD = [("code", "abc"), ("state", FLOW.state), ("iss", ISSUER)]


def test_the_code_of_a_right_answer_is_taken() -> None:
    assert code_of(GOOD, FLOW, PROVIDER, NOW) == "abc"
    # RFC 9207: a provider that does not announce `iss` need not send it.
    assert code_of(GOOD[:2], FLOW, replace(PROVIDER, names_itself=False), NOW) == "abc"
    assert code_of([*GOOD, ("session_state", "x")], FLOW, PROVIDER, NOW + FLOW_LIFETIME - 1) == "abc"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "state"),
        ([("code", "abc"), ("iss", ISSUER)], "state"),
        ([("code", "abc"), ("state", FLOW.state + "x"), ("iss", ISSUER)], "state"),
        ([("code", "abc"), ("state", "é"), ("iss", ISSUER)], "state"),
        ([*GOOD, ("code", "b")], "twice"),
        (GOOD[:2], "iss"),
        ([*GOOD[:2], ("iss", "https://evil.example")], "iss"),
        (GOOD[1:], "no code"),
        ([("code", ""), *GOOD[1:]], "no code"),
        ([("code", "a\n"), *GOOD[1:]], "no code"),
        ([("error", "access_denied"), *GOOD[1:]], "access_denied"),
        ([("error", "<b>\n"), *GOOD[1:]], "an error that is none"),
    ],
)
def test_a_wrong_answer_is_refused(answer: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(ProviderRefused, match=reason):
        code_of(answer, FLOW, PROVIDER, NOW)


def test_a_late_answer_and_one_of_another_issuer_are_refused() -> None:
    with pytest.raises(ProviderRefused, match="too long"):
        code_of(GOOD, FLOW, PROVIDER, NOW + FLOW_LIFETIME)
    silent = replace(PROVIDER, names_itself=False)
    with pytest.raises(ProviderRefused, match="iss"):
        code_of([*GOOD[:2], ("iss", "https://evil.example")], FLOW, silent, NOW)


def test_metadata_is_read() -> None:
    found = read_provider(json.dumps(DOCUMENT).encode(), ISSUER)
    assert (found.token_endpoint, found.end_session_endpoint, found.names_itself) == (
        f"{ISSUER}/token",
        "",
        False,
    )
    assert logout_url(found, "me", "https://g.example/") == ""
    more = DOCUMENT | {"end_session_endpoint": f"{ISSUER}/end"}
    ended = logout_url(read_provider(json.dumps(more).encode(), ISSUER), "me", "https://g.example/")
    assert ended == f"{ISSUER}/end?client_id=me&post_logout_redirect_uri=https%3A%2F%2Fg.example%2F"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example\r\nX: 1"},
        {"authorization_endpoint": "https://me@id.example/"},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "https://[/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"token_endpoint_auth_methods_supported": "client_secret_basic!"},
    ],
    ids=str,
)
def test_metadata_that_can_not_be_used_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"issuer's|usable|announce"):
        read_provider(json.dumps(DOCUMENT | changes).encode(), ISSUER)


@pytest.mark.parametrize("document", [b"", b"[]", b"\xff", b"[" * 200_000])
def test_metadata_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_provider(document, ISSUER)


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"id_token": 1}', b"\xff", b"[" * 200_000])
def test_an_answer_without_an_id_token_is_refused(answer: bytes) -> None:
    assert id_token_of(b'{"id_token": "a.b.c"}') == "a.b.c"
    with pytest.raises(ProviderRefused, match="no ID token"):
        id_token_of(answer)
