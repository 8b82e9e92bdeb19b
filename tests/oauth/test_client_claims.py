import pytest

from gateway.oauth.client_claims import CLAIMS, claims_of, written_claims
from tests.config.example import problems, settings


def test_claims_are_noted_and_read_again() -> None:
    claims = {"tenant": "acme", "level": 3, "beta": True}
    assert claims_of({CLAIMS: written_claims(claims)}) == claims
    assert written_claims({}) == ""
    assert claims_of({}) == {}
    assert claims_of({CLAIMS: ""}) == {}


def test_they_never_replace_what_a_token_says_itself() -> None:
    assert claims_of({CLAIMS: '{"sub": "admin", "scope": "all", "a": 1}'}) == {"a": 1}


@pytest.mark.parametrize("claim", ["sub", "scope", "iss", "active", "cnf", "act"])
def test_a_reserved_claim_is_an_error(claim: str) -> None:
    (found,) = problems(f"clients: [{{id: a, secrets: [x], claims: {{{claim}: b}}}}]")
    assert "is a claim that tokens or introspection have themselves" in found


def test_a_claim_is_a_text_a_number_or_true_or_false() -> None:
    found = settings("clients: [{id: a, secrets: [x], claims: {a: b, n: 1, t: true}}]")
    assert found.clients[0].claims == {"a": "b", "n": 1, "t": True}
    assert problems("clients: [{id: a, secrets: [x], claims: {a: [b]}}]")
