"""Grants that depend on the client and the form alone are decided once; nothing else of a request is."""

from dataclasses import replace

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.form import Form
from gateway.oauth_flows.grant_cache import GrantCache, grant_key
from gateway.oauth_flows.token import answer_token_request
from gateway.plugin import Grant, GrantRequest, IssuedToken, PluginConfig, PluginContext
from gateway.store import Store
from plugins.client_credentials import ClientCredentials
from tests.conftest import Valkey
from tests.services import Services, a_client, token_call, worker

BODY = "grant_type=client_credentials&validity_period=600"


class Counting(ClientCredentials):
    """Counts how often it is asked."""

    def __init__(self, services: Services) -> None:
        super().__init__(PluginConfig(), PluginContext(services.clock))
        self.asked = 0

    def grant(self, request: GrantRequest) -> Grant:
        self.asked += 1
        return super().grant(request)


class CountingEach(Counting):
    depends_on = None


class CountingAndAdding(Counting):
    def on_issued(self, request: GrantRequest, issued: IssuedToken) -> dict[str, str]:
        return {"for": request.client.id}


async def asked(services: Services, kind: type[Counting], *bodies: str) -> int:
    """How often a grant of this kind is asked for requests with these bodies."""
    plugin = kind(services)
    here = replace(services.token_services, grants={"client_credentials": plugin})
    for body in bodies:
        await answer_token_request(token_call(body), here)
    return plugin.asked


async def test_a_grant_is_asked_once_for_equal_requests(store: Store) -> None:
    assert await asked(Services(store), Counting, *[BODY] * 3) == 1
    assert await asked(Services(store), Counting, BODY, f"{BODY}&scope=orders.read", BODY) == 2
    assert await asked(Services(store), Counting, BODY, f"{BODY}&more=1") == 1


async def test_a_grant_that_does_not_say_what_it_depends_on_is_asked_each_time(store: Store) -> None:
    assert await asked(Services(store), CountingEach, *[BODY] * 3) == 3


async def test_a_grant_that_adds_members_to_the_response_is_asked_each_time(store: Store) -> None:
    assert await asked(Services(store), CountingAndAdding, *[BODY] * 3) == 3


def test_a_client_that_was_changed_gets_what_it_may_have_now() -> None:
    """The form is the same; what the client may ask for is not."""
    cache, form = GrantCache(), Form({"scope": "orders.read"})
    before, now = a_client(), a_client(scopes=())
    key = grant_key(before, "g", form, ("scope",))
    assert key is not None
    assert key == grant_key(now, "g", form, ("scope",))
    cache.put(key, before, Grant("demo", ("orders.read",), (), 60))
    assert cache.get(key, before) is not None
    assert cache.get(key, now) is None


def test_what_depends_on_large_parameters_is_not_kept() -> None:
    client = a_client()
    assert grant_key(client, "g", Form({"scope": "a" * 900}), ("scope",)) is not None
    assert grant_key(client, "g", Form({"scope": "a" * 1100}), ("scope",)) is None
    assert grant_key(client, "g", Form({}, ("a" * 900, "b" * 900)), ()) is None


def test_the_oldest_grants_make_room() -> None:
    cache, client, grant = GrantCache(), a_client(), Grant("demo", (), (), 60)
    keys = [grant_key(client, "g", Form({"scope": f"{number}"}), ("scope",)) for number in range(257)]
    for key in keys:
        assert key is not None
        cache.put(key, client, grant)
    assert [key for key in keys if key is not None and cache.get(key, client) is None] == keys[:1]


@pytest.mark.parametrize("scopes", [(), ("orders.read",)])
async def test_a_registered_client_is_judged_by_its_present_scopes(
    valkey: Valkey, prefix: str, scopes: tuple[str, ...]
) -> None:
    async with worker(valkey.url, prefix) as here:
        await here.store.clients.create(a_client("kept", "other"))
        body, services = f"{BODY}&scope=orders.write", here.services.token_services
        for _ in range(2):
            await answer_token_request(token_call(body, basic="kept:other"), services)
        await here.store.clients.update("kept", lambda client: replace(client, scopes=scopes))
        with pytest.raises(OAuthError, match="may not have one of these scopes"):
            await answer_token_request(token_call(body, basic="kept:other"), services)
