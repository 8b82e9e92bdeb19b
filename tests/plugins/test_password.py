import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.form import parse_parameters
from gateway.oauth.grants import GrantRequest
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.model import Client
from gateway.oauth.scope import ScopeRules
from gateway.oauth.user import UserIdentity
from gateway.plugin import PluginConfig, PluginContext
from plugins.password import Password
from tests.services import a_client


class OneUser:
    """Knows Ada."""

    async def sign_in(self, name: str, password: str, address: str) -> UserIdentity:
        if (name, password, address) != ("ada", "engine", "192.0.2.1"):
            raise OAuthError("invalid_grant", "no")
        return UserIdentity("file:1", "Ada", "1")

    async def registered(self, client: Client, user_id: str) -> None:
        """It does not count."""


def request(form: str) -> GrantRequest:
    rules = (ScopeRules(), LifetimeRules())
    return GrantRequest(a_client(), parse_parameters(form), 0.0, *rules, address="192.0.2.1")


def plugin(users: OneUser | None) -> Password:
    return Password(PluginConfig(), PluginContext(lambda: 0.0, users=users))


async def test_the_token_is_the_users_and_without_the_application_scope() -> None:
    grant = await plugin(OneUser()).grant(request("username=ada&password=engine"))
    assert (grant.subject, grant.user, grant.scopes) == ("Ada", "Ada", ("default",))
    assert (grant.user_id, grant.user_generation) == ("file:1", "1")
    assert grant.reusable


async def test_a_validity_period_makes_it_a_token_of_its_own() -> None:
    form = "username=ada&password=engine&validity_period=60"
    assert not (await plugin(OneUser()).grant(request(form))).reusable


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("username=ada", "invalid_request"),
        ("password=engine", "invalid_request"),
        ("username=ada&password=wrong", "invalid_grant"),
        ("username=ada&password=wrong&scope=admin", "invalid_scope"),
    ],
)
async def test_what_is_wrong_has_its_own_error(form: str, error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        await plugin(OneUser()).grant(request(form))
    assert caught.value.error == error


async def test_nobody_gets_in_where_there_are_no_users() -> None:
    with pytest.raises(OAuthError) as caught:
        await plugin(None).grant(request("username=ada&password=engine"))
    assert caught.value.error == "invalid_grant"
