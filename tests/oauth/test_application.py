"""Applications and their keys."""

from __future__ import annotations

from gateway.oauth.application import Application


def test_each_environment_has_keys_of_its_own() -> None:
    one = Application("id", "Shop", "ada", sandbox="s")
    assert (one.client_id("production"), one.client_id("sandbox"), one.client_ids) == (None, "s", ("s",))


def test_keys_are_found_by_their_environment() -> None:
    one = Application("app", "Shop", "me", production="p", sandbox="s")
    assert list(one.keys()) == [("production", "p"), ("sandbox", "s")]
    assert (list(one.keys("sandbox")), list(one.keys("other"))) == ([("sandbox", "s")], [])
    assert list(Application("app", "Shop", "me").keys()) == []
