"""What is left of a token when it is exchanged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.errors import OAuthError
from gateway.oauth.exchange import (
    DEEPEST,
    SubjectToken,
    actor_of,
    delegated,
    exchanged_audience,
    exchanged_lifetime,
    exchanged_scopes,
    noted_actor,
    read_actor,
)
from gateway.oauth.model import ExchangeRules

A, B = "https://a.example", "https://b.example"
SCOPES = st.lists(st.sampled_from("abcd"), unique=True).map(tuple)


def subject(**more: Any) -> SubjectToken:
    return SubjectToken("", "shop", "shop", 100.5, **more)


@given(SCOPES, st.none() | SCOPES, SCOPES, st.none() | SCOPES)
def test_no_scope_is_granted_that_the_token_or_the_client_lacks(
    had: tuple[str, ...], rules: tuple[str, ...] | None, own: tuple[str, ...], asked: tuple[str, ...] | None
) -> None:
    requested = " ".join(asked) if asked else None
    most = set(had) & set(own if rules is None else rules)
    if most and set(asked or ()) <= most:
        granted = exchanged_scopes(requested, subject(scopes=had), ExchangeRules(scopes=rules), own)
        assert set(granted) == (set(asked) if asked else most)
    else:
        with pytest.raises(OAuthError, match="scopes"):
            exchanged_scopes(requested, subject(scopes=had), ExchangeRules(scopes=rules), own)


def test_a_token_that_says_nothing_of_scopes_is_limited_by_the_client_alone() -> None:
    rules = ExchangeRules(scopes=("a", "b"))
    assert exchanged_scopes(None, subject(scopes=None), rules, ()) == ("a", "b")
    assert exchanged_scopes("b", subject(scopes=None), rules, ()) == ("b",)


@pytest.mark.parametrize(
    ("requested", "had", "allowed", "granted"),
    [
        ((), (A,), (), (A,)),
        ((), (), (A,), ()),
        ((A,), (A, B), (), (A,)),
        ((A,), (A, B), (A,), (A,)),
        ((B,), (A, B), (A,), None),
        ((B,), (A,), (A, B), None),
        ((A,), (), (A,), (A,)),
        ((A,), (), (), None),
        (("x",), ("x",), (), None),
    ],
)
def test_an_audience_is_never_wider(
    requested: tuple[str, ...],
    had: tuple[str, ...],
    allowed: tuple[str, ...],
    granted: tuple[str, ...] | None,
) -> None:
    if granted is None:
        with pytest.raises(OAuthError, match="audience"):
            exchanged_audience(requested, subject(audience=had), allowed)
    else:
        assert exchanged_audience(requested, subject(audience=had), allowed) == granted


def test_a_lifetime_is_never_longer() -> None:
    assert exchanged_lifetime(3600, subject(), 40.0) == 60
    assert exchanged_lifetime(10, subject(), 40.0) == 10
    assert exchanged_lifetime(10, subject(), 99.6) is None
    assert exchanged_lifetime(10, subject(), 200.0) is None


def test_the_chain_of_actors_is_kept_and_has_an_end() -> None:
    chain = None
    for number in range(DEEPEST):
        chain = delegated(subject(actor=chain), SubjectToken("", "x", f"s{number}", 1.0))
    assert chain is not None
    assert chain["sub"] == f"s{DEEPEST - 1}"
    assert delegated(subject(actor=chain), None) == chain
    assert actor_of(noted_actor(chain)) == chain
    with pytest.raises(OAuthError, match="Too many"):
        delegated(subject(actor=chain), SubjectToken("", "x", "one more", 1.0))


def test_an_actor_of_another_issuer_bears_its_name() -> None:
    said = {"sub": "bot", "extra": 1, "act": {"sub": "ann"}}
    assert read_actor(said, "corp") == {"sub": "corp:bot", "act": {"sub": "corp:ann"}}
    assert read_actor(None) is None


@pytest.mark.parametrize("said", ["x", {}, {"sub": 1}, {"sub": ""}, {"sub": "a", "act": "x"}, {"sub": "a\n"}])
def test_a_malformed_actor_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="act"):
        read_actor(said)
