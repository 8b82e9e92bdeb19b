"""The OpenID provider of `portal.oidc`, as the portal knows it."""

from __future__ import annotations

from gateway.assembly.portal_provider import provider_http, provider_rules
from gateway.config.model import Settings
from gateway.config.portal_oidc import PortalOidc

OIDC = {"issuer": "https://id.example", "client_id": "me", "client_secret": "secret"}


def test_without_a_provider_there_are_no_connections() -> None:
    assert provider_http(Settings()) is None


def test_nobody_is_an_administrator_unless_a_claim_says_so() -> None:
    rules = provider_rules(PortalOidc.model_validate(OIDC))
    assert (rules.issuer, rules.admins, rules.allow) == ("https://id.example", None, None)
    more = OIDC | {"admins": {"claim": "groups", "values": ["a", "b"]}}
    rules = provider_rules(PortalOidc.model_validate(more))
    assert rules.role({"groups": ["b"]}) == "admin"
    assert rules.role({"groups": ["c"]}) == "developer"
