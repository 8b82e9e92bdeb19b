from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.issuers.rules import InvalidToken, accept, facts_of
from gateway.oauth.bearer import AuthError, check_access
from tests.issuers.scripted import CLAIMS, ISSUER, NOW, RULES


def test_the_facts_of_a_good_token() -> None:
    facts = facts_of(CLAIMS, RULES, NOW)
    assert (facts.client, facts.user, facts.subject, facts.issuer) == ("corp:shop", "corp:ann", "ann", "corp")
    assert facts.scopes == ("orders.read", "orders.write")
    assert facts.audience == ("https://api.example",)
    assert (facts.issued, facts.expires) == (NOW, NOW + 600 + RULES.leeway)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"iss": [ISSUER]}, "another issuer"),
        ({"aud": "https://other.example"}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"aud": []}, "somebody else"),
        ({"aud": ["https://other.example"]}, "somebody else"),
        ({"aud": {"https://api.example": 1}}, "aud is neither"),
        ({"aud": [1]}, "aud is neither"),
        ({"exp": None}, "no end"),
        ({"exp": NOW - 31}, "expired"),
        ({"exp": "1800000600"}, "a time that is none"),
        ({"exp": True}, "a time that is none"),
        ({"exp": -1}, "a time that is none"),
        ({"exp": float("inf")}, "a time that is none"),
        ({"exp": 10**400}, "a time that is none"),
        ({"nbf": NOW + 31}, "not yet valid"),
        ({"nbf": "x"}, "a time that is none"),
        ({"iat": NOW + 31}, "not yet valid"),
        ({"client_id": None}, "no usable client"),
        ({"client_id": ""}, "no usable client"),
        ({"client_id": 7}, "no usable client"),
        ({"client_id": "a\r\nX-Admin: 1"}, "no usable client"),
        ({"client_id": "é"}, "no usable client"),
        ({"client_id": "x" * 256}, "no usable client"),
        ({"client_id": " shop"}, "no usable client"),
        ({"client_id": "shop "}, "no usable client"),
        ({"client_id": " "}, "no usable client"),
        ({"client_id": "shop\ud800"}, "no usable client"),
        ({"scope": 'a "b"'}, "a scope that is none"),
        ({"scope": ["a b"]}, "a scope that is none"),
        ({"scope": "a\tb"}, "a scope that is none"),
        ({"scope": "a\u3000b"}, "a scope that is none"),
        ({"scope": [1]}, "scope is neither"),
        ({"sub": 7}, "no usable user"),
        ({"sub": "x" * 256}, "no usable user"),
        ({"sub": " ann"}, "can't be shown"),
        ({"sub": "ann "}, "can't be shown"),
        ({"sub": "ann\r\nX-Admin: 1"}, "can't be shown"),
        ({"sub": "ann\x00"}, "can't be shown"),
        ({"sub": "ann\u200b"}, "can't be shown"),
        ({"sub": "ann\u00a0"}, "can't be shown"),
        ({"sub": "ann\ud800"}, "sub is no text"),
        ({"cnf": {}}, "bound to something unknown"),
        ({"cnf": "x"}, "bound to something unknown"),
        ({"cnf": {"jwk": {"kty": "EC"}}}, "bound to something unknown"),
    ],
)
def test_what_is_wrong_is_not_believed(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        facts_of({**CLAIMS, **changes}, RULES, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 29},
        {"exp": NOW + 0.5},
        {"nbf": NOW + 29},
        {"iat": NOW + 29},
        {"iat": None},
        {"aud": ["https://other.example", "https://api.example"]},
        {"scope": None},
        {"scope": ["orders.read"]},
    ],
)
def test_clocks_may_differ_a_little_and_the_rest_is_optional(changes: dict[str, Any]) -> None:
    assert facts_of({**CLAIMS, **changes}, RULES, NOW)


def test_a_client_that_acts_for_itself_is_no_user() -> None:
    assert facts_of({**CLAIMS, "sub": "shop"}, RULES, NOW).user is None


def test_a_token_that_is_bound_to_a_key_is_no_bearer_token() -> None:
    for cnf in ({"jkt": "x"}, {"x5t#S256": "x"}, {"unheard-of": "x"}):
        facts = facts_of({**CLAIMS, "cnf": cnf}, RULES, NOW)
        assert check_access(facts, frozenset(), None, NOW) is AuthError.INVALID
        assert check_access(facts, frozenset(), None, NOW, {"jkt": "x"}) is (
            None if "jkt" in cnf else AuthError.INVALID
        )


def test_claims_can_have_other_names() -> None:
    rules = replace(RULES, scope_claim="scp", client_claim="azp", user_claim="email")
    facts = facts_of({**CLAIMS, "scp": ["x"], "azp": "web", "email": "ann@example.org"}, rules, NOW)
    assert (facts.scopes, facts.client, facts.user) == (("x",), "corp:web", "corp:ann@example.org")
    with pytest.raises(InvalidToken):
        facts_of(CLAIMS, rules, NOW)


def test_what_the_issuer_says_itself_may_have_no_end() -> None:
    rules = replace(RULES, audiences=frozenset())
    facts = accept({"client_id": "shop"}, rules, NOW, 60)
    assert (facts.expires, facts.audience, facts.subject) == (NOW + 60, (), "shop")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "cnf"]), VALUES))
def test_any_claims_are_facts_or_not_believed(changes: dict[str, Any]) -> None:
    try:
        facts = facts_of({**CLAIMS, **changes}, RULES, NOW)
    except InvalidToken:
        return
    assert facts.client.startswith("corp:")
    assert facts.client.isprintable()
    assert facts.expires > NOW


def test_a_user_claim_with_half_a_character_is_refused_whatever_sub_says() -> None:
    rules = replace(RULES, user_claim="email")
    with pytest.raises(InvalidToken, match="can't be shown"):
        facts_of({**CLAIMS, "email": "ann\udfff"}, rules, NOW)
    with pytest.raises(InvalidToken, match="sub is no text"):
        facts_of({**CLAIMS, "email": "ann", "sub": "\udfff"}, rules, NOW)


def test_several_spaces_between_scopes_mean_one() -> None:
    assert facts_of({**CLAIMS, "scope": " a  b "}, RULES, NOW).scopes == ("a", "b")
