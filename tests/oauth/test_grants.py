from dataclasses import replace

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.form import parse_parameters
from gateway.oauth.grants import GrantRequest
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.model import Client
from gateway.oauth.resource import RouteResource
from gateway.oauth.scope import ScopeRules


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


ORDERS = "https://gate.example/orders"
RESOURCES = (
    RouteResource("https://gate.example", frozenset(), below=False),
    RouteResource(ORDERS, frozenset({"orders.read"}), below=True),
    RouteResource("https://gate.example/admin", frozenset({"admin"}), below=True),
)


@pytest.mark.parametrize("name", ["resource", "audience"])
@pytest.mark.parametrize("resource", [ORDERS, ORDERS + "/7", "https://gate.example", "https://a.example"])
def test_a_client_may_name_what_its_scopes_reach(name: str, resource: str) -> None:
    asked = replace(request(f"{name}={resource}"), resources=RESOURCES)
    assert asked.audience() == (resource,)


@pytest.mark.parametrize(
    "resource", ["https://gate.example/admin", "https://gate.example/ordersx", "https://gate.example/other"]
)
def test_a_resource_beyond_its_scopes_is_refused(resource: str) -> None:
    with pytest.raises(OAuthError) as caught:
        replace(request(f"resource={resource}"), resources=RESOURCES).audience()
    assert caught.value.error == "invalid_target"


def test_a_refreshed_token_keeps_a_resource_that_the_client_reaches() -> None:
    asked = replace(request(""), resources=RESOURCES)
    assert asked.narrowed_audience((ORDERS,)) == (ORDERS,)


def test_a_client_has_default_scopes_of_its_own() -> None:
    asked = request("")
    asked.client = replace(asked.client, default_scopes=("orders.read",))
    assert asked.scopes() == ("orders.read",)
