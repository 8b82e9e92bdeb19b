"""Which tokens a trust accepts, and which trusts overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.trust import ClaimRule, Trust, claim_text, pattern_matches, pattern_problem

SUBJECT = "system:serviceaccount:shop:orders"


def trust(*rules: ClaimRule, audience: str = "a", issuer: str = "cluster") -> Trust:
    return Trust(issuer, audience, rules)


def exactly(name: str, value: str) -> ClaimRule:
    return ClaimRule(name, value)


def like(name: str, value: str) -> ClaimRule:
    return ClaimRule(name, value, pattern=True)


@pytest.mark.parametrize(
    ("pattern", "text", "right"),
    [
        ("repo:org/*", "repo:org/shop", True),
        ("repo:org/*", "repo:org/shop:ref:refs/heads/main", False),
        ("repo:org/*", "repo:org/", False),
        ("repo:org/*", "repo:org/a/b", False),
        ("repo:org/*", "repo:organisation/shop", False),
        ("repo:org/*:ref:refs/heads/*", "repo:org/shop:ref:refs/heads/main", True),
        ("repo:org/*:ref:refs/heads/*", "repo:org/shop:ref:refs/heads/x/y", False),
        ("refs/heads/release-*", "refs/heads/release-1.2", True),
        ("refs/heads/release-*", "refs/heads/release", False),
        ("a*c", "abc", True),
        ("a*c", "a:c", False),
        ("a*c", "xabc", False),
        ("a*c", "abcx", False),
    ],
)
def test_a_star_never_crosses_a_slash_or_a_colon(pattern: str, text: str, right: bool) -> None:
    assert pattern_matches(pattern, text) is right


@given(st.text(alphabet="ab/:*", max_size=12), st.text(alphabet="ab/:", max_size=12))
def test_a_match_has_as_many_parts_as_its_pattern(pattern: str, text: str) -> None:
    if pattern_matches(pattern, text):
        assert [char for char in text if char in "/:"] == [char for char in pattern if char in "/:"]


def test_the_audience_must_be_alone() -> None:
    one = trust(exactly("sub", SUBJECT))
    assert one.accepts({"sub": SUBJECT, "aud": "a"})
    assert one.accepts({"sub": SUBJECT, "aud": ["a"]})
    for audience in (["a", "b"], ["b"], "b", [], None, {"a": 1}, True):
        assert not one.accepts({"sub": SUBJECT, "aud": audience})


def test_every_rule_must_hold() -> None:
    one = trust(exactly("repository", "org/shop"), like("ref", "refs/heads/*"))
    claims = {"aud": "a", "repository": "org/shop", "ref": "refs/heads/main"}
    assert one.accepts(claims)
    assert not one.accepts({**claims, "ref": "refs/tags/1"})
    assert not one.accepts({**claims, "repository": "org/shop2"})
    assert not one.accepts({"aud": "a", "ref": "refs/heads/main"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (74, "74"),
        ("x", "x"),
        (None, None),
        ([1], None),
        ({}, None),
        (1.5, None),
    ],
)
def test_numbers_and_truth_values_are_compared_as_text(value: object, text: str | None) -> None:
    assert claim_text(value) == text


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        (exactly("sub", "a:b"), exactly("sub", "a:b"), True),
        (exactly("sub", "a:b"), exactly("sub", "a:c"), False),
        (exactly("sub", "a:b"), like("sub", "a:*"), True),
        (exactly("sub", "a:b"), like("sub", "b:*"), False),
        (like("sub", "a:*"), like("sub", "*:b"), True),
        (like("sub", "a:x*"), like("sub", "a:y*"), False),
        (like("sub", "a:*x"), like("sub", "a:*y"), False),
        (like("sub", "a:x*"), like("sub", "a:xy*"), True),
        (like("sub", "a:*"), like("sub", "a:*:c"), False),
        (exactly("sub", "a:b"), exactly("ref", "main"), True),
    ],
)
def test_trusts_overlap_where_a_token_could_match_both(
    first: ClaimRule, second: ClaimRule, overlap: bool
) -> None:
    assert trust(first).overlaps(trust(second)) is overlap
    assert trust(second).overlaps(trust(first)) is overlap


def test_trusts_of_other_issuers_and_audiences_are_apart() -> None:
    rule = exactly("sub", "a")
    assert not trust(rule).overlaps(trust(rule, issuer="other"))
    assert not trust(rule).overlaps(trust(rule, audience="b"))


def test_useless_and_dangerous_patterns_are_named() -> None:
    assert pattern_problem("repo:org/*") is None
    for text in ("plain", "*", "*/*", "a**"):
        assert pattern_problem(text) is not None
