import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.scope import ScopeRules, is_scope, parse_scope

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


@pytest.mark.parametrize("text", [" a", "a ", "a  b", 'a"b', "a\\b", "é", "a\tb", "a\n"])
def test_what_is_no_scope_list_is_refused(text: str) -> None:
    with pytest.raises(OAuthError) as caught:
        parse_scope(text)
    assert caught.value.error == "invalid_scope"


def test_the_application_scope_comes_first_and_once() -> None:
    assert RULES.with_application(("b", "am_application_scope")) == ("am_application_scope", "b")
    assert ScopeRules(application=None).with_application(("b",)) == ("b",)


def test_a_scope_token_is_told_from_other_text() -> None:
    assert is_scope("orders.read:own/x!")
    assert not is_scope("a b")
