"""The configuration as the portal knows it."""

from __future__ import annotations

from gateway.assembly.portal import portal_info
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.plugin.catalog import PluginCatalog

ROUTES = """
routes:
  - {path: /a, upstream: "http://h", scopes: [one, two], methods: [GET]}
  - {path: /b, upstream: "http://h", scopes: [two], audience: "https://b.example"}
  - {path: /c, upstream: "http://h", auth: none, match: exact}
  - {path: /d, upstream: "http://h", scopes: [hidden], enabled: false}
"""


def settings(text: str) -> Settings:
    return load_text(text, {}, PluginCatalog())


def test_developers_may_give_what_routes_ask_for_unless_the_file_says_otherwise() -> None:
    assert portal_info(settings(ROUTES)).scopes == ("one", "two")
    assert portal_info(settings(ROUTES + "portal: {scopes: [two]}")).scopes == ("two",)
    assert portal_info(settings(ROUTES + "portal: {scopes: []}")).scopes == ()


def test_routes_that_are_switched_off_are_not_shown() -> None:
    apis = portal_info(settings(ROUTES)).apis
    assert [(api.path, api.exact, api.protected) for api in apis] == [
        ("/a", False, True),
        ("/b", False, True),
        ("/c", True, False),
    ]


def test_only_grants_that_are_switched_on_are_offered() -> None:
    assert portal_info(settings(ROUTES)).grants == ("client_credentials",)
    off = settings(ROUTES + "grants: {client_credentials: {enabled: false}}")
    assert portal_info(off).grants == ()


def test_a_self_signed_certificate_is_mentioned() -> None:
    assert portal_info(settings(ROUTES)).self_signed
    assert not portal_info(settings(ROUTES + "server: {listen: [{port: 80}]}")).self_signed
