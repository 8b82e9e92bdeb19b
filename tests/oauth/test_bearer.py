from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.bearer import (
    MAX_TOKEN,
    AuthError,
    BearerCredentials,
    challenge,
    check_access,
    read_bearer,
    read_token,
)
from gateway.oauth.model import TokenInfo

NOW = 1_000.0
FACTS = TokenInfo("demo", ("a", "b"), ("https://api.example.org",), "demo", 900, 1_001, "client_credentials")


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
def test_a_token_is_read_whatever_the_case_of_the_scheme(scheme: bytes) -> None:
    assert read_bearer([scheme + b" gpt_abc-._~+/="]) == "gpt_abc-._~+/="


@pytest.mark.parametrize("headers", [[], [b"Basic abc"], [b""], [b"Bearerx abc"]])
def test_no_bearer_token_is_missing(headers: list[bytes]) -> None:
    assert read_bearer(headers) is AuthError.MISSING


@pytest.mark.parametrize(
    "headers",
    [
        [b"Bearer a", b"Bearer b"],
        [b"Bearer"],
        [b"Bearer "],
        [b"Bearer a b"],
        [b"Bearer a,b"],
        [b"Bearer \xe9"],
        [b"Bearer " + b"a" * (MAX_TOKEN + 1)],
        [b"Bearer =a"],
    ],
)
def test_a_malformed_header_is_distinguished_from_a_missing_one(headers: list[bytes]) -> None:
    assert read_bearer(headers) is AuthError.MALFORMED


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_any_header_gives_a_token_or_a_refusal(headers: list[bytes]) -> None:
    assert isinstance(read_bearer(headers), str | AuthError)


def test_a_token_that_suffices_is_let_in() -> None:
    assert check_access(FACTS, frozenset({"a"}), "https://api.example.org", NOW) is None
    assert check_access(FACTS, frozenset(), None, NOW) is None


def test_another_issuers_token_is_dead_from_its_last_second_on() -> None:
    foreign = replace(FACTS, issuer="other")
    assert check_access(foreign, frozenset(), None, FACTS.expires - 0.001) is None
    assert check_access(foreign, frozenset(), None, FACTS.expires) is AuthError.INVALID


def test_an_own_token_lives_as_long_as_the_store_says_whatever_the_clock_says() -> None:
    assert check_access(FACTS, frozenset(), None, FACTS.expires + 3600) is None
    assert check_access(None, frozenset(), None, NOW) is AuthError.INVALID


def test_all_scopes_are_needed_and_the_right_audience() -> None:
    assert check_access(FACTS, frozenset({"a", "c"}), None, NOW) is AuthError.SCOPE
    assert check_access(FACTS, frozenset(), "https://other.example", NOW) is AuthError.AUDIENCE


def test_a_challenge_without_credentials_has_no_error() -> None:
    assert challenge(AuthError.MISSING, realm="gatepost", metadata="https://g/m") == (
        'Bearer realm="gatepost", resource_metadata="https://g/m"'
    )


def test_a_challenge_names_the_error_and_the_scope_once() -> None:
    assert 'error="invalid_token"' in challenge(AuthError.INVALID, realm="r", metadata="")
    assert challenge(AuthError.SCOPE, realm="r", metadata="", scope="a b") == (
        'Bearer realm="r", error="insufficient_scope", scope="a b"'
    )
    assert 'error="invalid_request"' in challenge(AuthError.MALFORMED, realm="r", metadata="")


def test_attributes_are_escaped() -> None:
    assert challenge(AuthError.MISSING, realm='a"b\\', metadata="") == 'Bearer realm="a\\"b\\\\"'


def test_a_token_with_a_proof_is_distinguished_from_a_bearer_token() -> None:
    assert read_token([b"dPoP gpt_abc"]) == BearerCredentials("gpt_abc", dpop=True)
    assert read_token([b"Bearer gpt_abc"]) == BearerCredentials("gpt_abc", dpop=False)
    assert read_token([b"DPoP"]) is AuthError.MALFORMED
    assert read_bearer([b"DPoP gpt_abc"]) is AuthError.MISSING


@pytest.mark.parametrize(
    "cnf", [{"jkt": "a"}, {"x5t#S256": "a"}, {"jkt": "a", "x5t#S256": "a"}, {"new": "a"}, {"": ""}]
)
def test_a_bound_token_is_never_taken_unbound(cnf: dict[str, str]) -> None:
    bound = replace(FACTS, cnf=cnf)
    assert check_access(bound, frozenset(), None, NOW) is AuthError.INVALID
    assert check_access(bound, frozenset(), None, NOW, {"other": "a"}) is AuthError.INVALID
    assert check_access(bound, frozenset(), None, NOW, dict.fromkeys(cnf, "b")) is AuthError.INVALID
    assert check_access(bound, frozenset(), None, NOW, cnf) is None


def test_of_two_bindings_both_are_needed() -> None:
    bound = replace(FACTS, cnf={"jkt": "a", "x5t#S256": "b"})
    assert check_access(bound, frozenset(), None, NOW, {"jkt": "a"}) is AuthError.INVALID
    assert check_access(bound, frozenset(), None, NOW, {"x5t#S256": "b"}) is AuthError.INVALID


def test_a_dpop_challenge_names_the_algorithms() -> None:
    assert challenge(AuthError.NONCE, realm="r", metadata="", scheme="DPoP") == (
        'DPoP realm="r", error="use_dpop_nonce", algs="RS256 PS256 ES256 EdDSA Ed25519"'
    )
