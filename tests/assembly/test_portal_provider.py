"""The providers of `portal.oidc` and `portal.github`, as the portal knows them."""

from __future__ import annotations

from gateway.assembly.portal_provider import provider_https, provider_infos, provider_rules
from gateway.config.model import Settings
from gateway.config.portal_github import PortalGithub
from gateway.config.portal_oidc import PortalOidc

OIDC = {"issuer": "https://id.example", "client_id": "me", "client_secret": "secret"}


def test_without_a_provider_there_are_no_connections() -> None:
    assert provider_https(Settings()) == {}
    assert provider_infos(Settings()) == ()


def test_github_s_rules_are_those_of_its_keys() -> None:
    github = {
        "client_id": "me",
        "client_secret": "s",
        "organizations": ["Acme", "id:7"],
        "email_domains": ["Example.org"],
        "admins": {"claim": "teams", "values": ["Acme/Admins"]},
        "publishers": {"claim": "id", "values": ["583231"]},
    }
    rules = provider_rules(PortalGithub.model_validate(github))
    assert (rules.issuer, rules.name_claim) == ("https://github.com", "login")
    assert rules.claims == {"organizations", "email_domains", "teams", "id"}
    assert rules.refusal({"organizations": ["acme"]}) == "portal.github.email_domains"
    assert rules.refusal({"organizations": ["id:7"], "email_domains": ["example.org"]}) == ""
    assert rules.role({"teams": ["acme/admins"], "id": "583231"}) == "admin"
    assert rules.role({"teams": ["acme/others"], "id": "583231"}) == "publisher"
    settings = Settings.model_validate({"portal": {"oidc": OIDC, "github": github}})
    assert [one.suffix for one in provider_infos(settings)] == ["", "/github"]


def test_several_providers_are_told_apart_by_their_ids() -> None:
    several = [OIDC | {"name": "one"}, OIDC | {"name": "two", "id": "b", "issuer": "https://other.example"}]
    settings = Settings.model_validate({"portal": {"oidc": several}})
    assert list(provider_https(settings)) == ["", "b"]
    first, second = provider_infos(settings)
    assert (first.suffix, second.suffix, second.title) == ("", "/b", "Two")


def test_nobody_is_an_administrator_unless_a_claim_says_so() -> None:
    rules = provider_rules(PortalOidc.model_validate(OIDC))
    assert (rules.issuer, rules.admins, rules.allow) == ("https://id.example", None, None)
    more = OIDC | {"admins": {"claim": "groups", "values": ["a", "b"]}}
    rules = provider_rules(PortalOidc.model_validate(more))
    assert rules.role({"groups": ["b"]}) == "admin"
    assert rules.role({"groups": ["c"]}) == "developer"
