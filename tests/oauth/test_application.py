"""Applications and their keys."""

from __future__ import annotations

from gateway.oauth.application import Application


def test_each_environment_has_keys_of_its_own() -> None:
    one = Application("id", "Shop", "ada", sandbox="s")
    assert (one.client_id("production"), one.client_id("sandbox"), one.client_ids) == (None, "s", ("s",))
