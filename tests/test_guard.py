import pytest

from gateway.errors import StoreUnavailable
from gateway.guard import Guard
from gateway.oauth.grants import Grant
from gateway.store import Store
from tests.conftest import Valkey
from tests.services import Services, a_client

pytestmark = pytest.mark.usefixtures("both_formats")

GRANT = Grant("demo", ("orders.read",), ("https://a.example",), 600)


async def a_token(services: Services) -> str:
    return (await services.issuer.issue(a_client(), "client_credentials", GRANT)).access_token


async def test_the_facts_of_a_live_token_are_found(store: Store) -> None:
    services = Services(store)
    facts = await services.guard.facts(await a_token(services))
    assert facts is not None
    assert (facts.client, facts.scopes, facts.audience) == ("demo", ("orders.read",), ("https://a.example",))
    assert facts.expires - facts.issued == 600


async def test_a_token_of_a_client_whose_tokens_were_ended_is_dead(store: Store) -> None:
    services = Services(store)
    before = await a_token(services)
    await store.tokens.revoke_all("demo")
    after = await a_token(services)
    assert await services.guard.facts(before) is None
    assert await services.guard.facts(after)


async def test_a_token_of_a_client_that_left_the_file_is_dead(store: Store) -> None:
    services = Services(store)
    token = await a_token(services)
    without = Services(store, [])
    assert await without.guard.facts(token) is None


async def test_a_forged_token_is_refused_without_asking_the_store(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, timeout=0.2)
    await store.start()
    services = Services(store)
    real = await a_token(services)
    own_valkey.kill()
    guard: Guard = services.guard
    assert await guard.facts("gpt_" + "A" * 65) is None
    assert await guard.facts("nonsense") is None
    with pytest.raises(StoreUnavailable):
        await guard.facts(real)
    await store.stop()
