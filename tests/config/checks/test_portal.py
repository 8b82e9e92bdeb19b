"""Nobody is there twice."""

from __future__ import annotations

from tests.config.example import problems


def test_two_users_of_one_name_are_refused_whatever_the_case() -> None:
    text = "portal:\n  users:\n  - {name: Ada, password: one}\n  - {name: ada, password: two}\n"
    (found,) = problems(text)
    assert found == "4:12: portal.users[1].name: another user has this name (the first is on line 3)"
