import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.errors import OAuthError
from gateway.oauth.scope import ScopeRules, is_scope, matches, parse_scope

RULES = ScopeRules()


def test_who_names_none_gets_the_defaults() -> None:
    assert RULES.granted(None, ("orders.read",)) == ("default",)


def test_who_names_scopes_gets_exactly_those() -> None:
    assert RULES.granted("orders.write orders.read", ("orders.read", "orders.write")) == (
        "orders.write",
        "orders.read",
    )


def test_a_default_and_the_application_scope_may_be_named() -> None:
    assert RULES.granted("default am_application_scope", ()) == ("default", "am_application_scope")


def test_a_scope_that_the_client_may_not_have_is_refused_and_nothing_is_dropped() -> None:
    with pytest.raises(OAuthError) as caught:
        RULES.granted("orders.read admin", ("orders.read",))
    assert caught.value.error == "invalid_scope"


def test_a_repeated_scope_counts_once() -> None:
    assert parse_scope("a b a") == ("a", "b")


@pytest.mark.parametrize("text", [" a b", "a b ", "a  b", "  a   b "])
def test_further_spaces_are_forgiven(text: str) -> None:
    assert parse_scope(text) == ("a", "b")


@pytest.mark.parametrize("text", ["", " ", 'a"b', "a\\b", "é", "a\tb", "a\n"])
def test_what_is_no_scope_list_is_refused(text: str) -> None:
    with pytest.raises(OAuthError) as caught:
        parse_scope(text)
    assert caught.value.error == "invalid_scope"


def test_the_application_scope_comes_first_and_once() -> None:
    assert RULES.with_application(("b", "am_application_scope")) == ("am_application_scope", "b")
    assert ScopeRules(application=None).with_application(("b",)) == ("b",)


def test_a_scope_token_is_distinguished_from_other_text() -> None:
    assert is_scope("orders.read:own/x!")
    assert not is_scope("a b")


def test_any_client_may_ask_for_what_a_pattern_allows() -> None:
    rules = ScopeRules(allowed=("device_*",))
    assert rules.granted("device_7 default", ()) == ("device_7", "default")
    for scope in ("device", "my_device_7", "DEVICE_7"):
        with pytest.raises(OAuthError):
            rules.granted(scope, ())


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=10))
def test_a_star_stands_for_any_characters(pattern: str, scope: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, scope) == (re.fullmatch(expression, scope) is not None)


def test_no_pattern_makes_matching_slow() -> None:
    begun = time.process_time()
    assert not matches("*a" * 30 + "b", "a" * 60_000)
    assert not matches("*a*" * 30 + "b*", "a" * 60_000)
    assert time.process_time() - begun < 1.0
