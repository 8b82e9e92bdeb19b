from gateway.oauth.form import parse_parameters
from gateway.oauth.grants import Grant, GrantRequest
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.scope import ScopeRules
from gateway.plugin import PluginConfig, PluginContext
from plugins.client_credentials import ClientCredentials
from tests.services import a_client


def granted(form: str, application: str | None = "am_application_scope") -> Grant:
    rules = ScopeRules(application=application)
    request = GrantRequest(a_client(), parse_parameters(form), 0.0, rules, LifetimeRules())
    return ClientCredentials(PluginConfig(), PluginContext(lambda: 0.0)).grant(request)


def test_the_token_is_the_clients_own() -> None:
    grant = granted("")
    assert (grant.subject, grant.user) == ("demo", None)
    assert grant.scopes == ("am_application_scope", "default")
    assert grant.reusable


def test_the_application_scope_comes_before_what_was_asked_for() -> None:
    assert granted("scope=orders.read").scopes == ("am_application_scope", "orders.read")
    assert granted("scope=orders.read", None).scopes == ("orders.read",)


def test_a_validity_period_makes_it_a_token_of_its_own() -> None:
    assert not granted("validity_period=60").reusable
