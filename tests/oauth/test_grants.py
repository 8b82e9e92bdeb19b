import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.form import parse_parameters
from gateway.oauth.grants import GrantRequest
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.scope import ScopeRules
from gateway.oauth.values import Client


def request(form: str) -> GrantRequest:
    client = Client("demo", scopes=("orders.read",), lifetime=600, audiences=("https://a.example",))
    return GrantRequest(client, parse_parameters(form), 0.0, ScopeRules(), LifetimeRules())


def test_a_grant_sees_what_the_client_asked_for_judged_by_the_rules() -> None:
    asked = request("scope=orders.read&validity_period=30&resource=https://a.example")
    assert asked.scopes() == ("orders.read",)
    assert asked.lifetime() == 30
    assert asked.audience() == ("https://a.example",)


def test_a_grant_sees_the_clients_own_values_where_nothing_was_asked() -> None:
    asked = request("")
    assert (asked.scopes(), asked.lifetime(), asked.audience()) == (("default",), 600, ("https://a.example",))


@pytest.mark.parametrize(
    ("form", "error"),
    [("scope=admin", "invalid_scope"), ("resource=https://b.example", "invalid_target")],
)
def test_more_than_the_client_may_have_is_refused(form: str, error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        request(form).scopes() and request(form).audience()
    assert caught.value.error == error
