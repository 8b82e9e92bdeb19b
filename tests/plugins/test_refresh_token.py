import pytest
from pydantic import ValidationError

from gateway.oauth.errors import OAuthError
from gateway.oauth.form import parse_parameters
from gateway.oauth.grants import GrantRequest
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.model import TokenInfo
from gateway.oauth.scope import ScopeRules
from gateway.plugin import PluginContext
from plugins.refresh_token import RefreshToken, RefreshTokenConfig, narrowed
from tests.services import a_client

BEFORE = TokenInfo("demo", ("orders.read", "orders.write"), ("https://a.example",), "Ada", 0, 0, "password")


def request(form: str, **client: object) -> GrantRequest:
    audiences = ("https://a.example", "https://b.example")
    asking = a_client(**({"audiences": audiences} | client))
    return GrantRequest(asking, parse_parameters(form), 0.0, ScopeRules(), LifetimeRules())


def test_scopes_stay_or_become_fewer() -> None:
    assert narrowed(request(""), BEFORE) == ("orders.read", "orders.write")
    assert narrowed(request("scope=orders.write"), BEFORE) == ("orders.write",)


@pytest.mark.parametrize("form", ["scope=default", "scope=orders.read+default", "scope=admin"])
def test_none_is_added(form: str) -> None:
    with pytest.raises(OAuthError) as caught:
        narrowed(request(form), BEFORE)
    assert caught.value.error == "invalid_scope"


def test_a_scope_that_was_taken_from_the_client_is_gone() -> None:
    with pytest.raises(OAuthError):
        narrowed(request("", scopes=("orders.read",)), BEFORE)


def test_resources_stay_or_become_fewer() -> None:
    assert request("").narrowed_audience(BEFORE.audience) == ("https://a.example",)
    assert request("").narrowed_audience(()) == ()
    for wrong in ("https://b.example", "https://x.example"):
        with pytest.raises(OAuthError) as caught:
            request(f"resource={wrong}").narrowed_audience(BEFORE.audience)
        assert caught.value.error == "invalid_target"
    with pytest.raises(OAuthError):
        request("", audiences=()).narrowed_audience(BEFORE.audience)


async def test_none_is_good_where_there_are_none() -> None:
    plugin = RefreshToken(RefreshTokenConfig(), PluginContext(lambda: 0.0))
    await plugin.start()
    with pytest.raises(OAuthError) as caught:
        await plugin.grant(request("refresh_token=x"))
    assert caught.value.error == "invalid_grant"


def test_its_lifetime_is_a_duration() -> None:
    assert RefreshTokenConfig.model_validate({"lifetime": "2d"}).lifetime == 172_800
    with pytest.raises(ValidationError):
        RefreshTokenConfig.model_validate({"lifetime": 0})
