"""Each action leads back to the tab that its form is on."""

from __future__ import annotations

from gateway.portal.pages import PAGES
from gateway.portal.pages.key_page import TAB_OF, TABS


def test_every_action_of_keys_is_on_a_tab() -> None:
    prefix = "/applications/{id}/{environment:production|sandbox}/"
    actions = {path.removeprefix(prefix) for method, path, _ in PAGES if method == "POST" and prefix in path}
    assert set(TAB_OF) < actions
    assert actions - set(TAB_OF) == {"generate-keys", "generate-token", "stored"}, "the first tab's"
    assert set(TAB_OF.values()) < set(TABS)
