"""`portal` in gateway.yaml."""

from __future__ import annotations

import pytest

from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog


def problems(text: str) -> str:
    with pytest.raises(ConfigurationError) as told:
        load_text(text, {}, PluginCatalog())
    return str(told.value)


def test_it_is_on_without_users_and_without_sign_up() -> None:
    portal = load_text("server: {}", {}, PluginCatalog()).portal
    assert (portal.enabled, portal.sign_up, portal.users, portal.scopes) == (True, False, (), None)


def test_a_password_comes_from_the_environment_and_is_not_shown() -> None:
    text = 'portal: {users: [{name: admin, password: "${PORTAL_PASSWORD}", admin: true}]}'
    settings = load_text(text, {"PORTAL_PASSWORD": "s3cret-word"}, PluginCatalog())
    (user,) = settings.portal.users
    assert (user.name, user.password.get_secret_value(), user.admin) == ("admin", "s3cret-word", True)
    assert "s3cret-word" not in repr(settings)


def test_two_users_of_one_name_are_refused_whatever_the_case() -> None:
    text = "portal:\n  users:\n  - {name: Ada, password: one}\n  - {name: ada, password: two}\n"
    assert "gateway.yaml:4:12: portal.users[1].name: another user has this name" in problems(text)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("{name: a b, password: x}", "must be 1 to 64 letters"),
        ("{name: <b>, password: x}", "must be 1 to 64 letters"),
        ("{name: ada, password: ''}", "must not be empty"),
        ("{name: ada, password: $argon2id$cut}", "is not a valid argon2 hash"),
        ("{name: ada}", "password"),
    ],
)
def test_a_user_that_can_not_sign_in_is_refused(user: str, words: str) -> None:
    told = problems(f"portal: {{users: [{user}]}}")
    assert words in told
    assert "$cut" not in told
