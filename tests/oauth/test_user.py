"""People."""

from __future__ import annotations

from gateway.oauth.user import User


def test_a_name_is_found_in_any_case_and_a_password_is_not_shown() -> None:
    user = User("Ada", "engine")
    assert (user.key, user.hashed) == ("ada", False)
    assert User("b", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA").hashed
    assert "engine" not in repr(user)
