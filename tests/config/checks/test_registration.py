"""Registration that is open to everybody, or names what is not there."""

import pytest

from tests.config.example import problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("enabled: true", "registration.enabled: is open to everybody"),
        ("issuers: [corp]", "registration.issuers[0]: there is no issuer of this name"),
        ("grants: [password]", "registration.grants[0]: this grant is not listed under grants"),
        ("initial_access_tokens: [short]", "registration.initial_access_tokens[0]: must have 16 to 256"),
        ("initial_access_token: [a]", "registration.initial_access_token: unknown key (did you mean"),
    ],
)
def test_a_wrong_registration_is_an_error_with_its_line(text: str, problem: str) -> None:
    (found,) = problems(f"registration: {{{text}}}")
    assert found.startswith("1:")
    assert problem in found


def test_registration_with_a_token_is_good_and_takes_its_path() -> None:
    on = "registration: {enabled: true, initial_access_tokens: [abcdefghijklmnop]}\n"
    route = "routes: [{path: /register, upstream: 'http://h'}]\n"
    assert problems(on) == []
    assert problems(route) == []
    (found,) = problems(on + route)
    assert "can't be reached: the gateway answers this path itself" in found
