import pytest

from gateway.errors import StartError, StoreUnavailable
from gateway.oauth.brute_force import Attempt, LockoutPolicy
from gateway.oauth.model import Client
from gateway.store import Store
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.test_tokens import FACTS, draft


async def test_holds_tokens_clients_and_attempts_under_its_prefix(valkey: Valkey, prefix: str) -> None:
    store = Store(valkey.url, prefix, mac=MAC)
    await store.start()
    await store.ping()
    await store.tokens.issue(draft(hash="live"))
    await store.clients.create(Client("shop"))
    await store.attempts.failed(Attempt("token", "shop", "192.0.2.1"), LockoutPolicy())

    assert await store.tokens.facts("live") == FACTS
    assert [client.id for client in await store.clients.list()] == ["shop"]
    with valkey.client as other:
        assert len(other.keys(f"{prefix}*")) == 6
    await store.stop()
    with pytest.raises(StoreUnavailable):
        await store.ping()


async def test_starts_and_stops_without_a_server(own_valkey: Valkey) -> None:
    own_valkey.kill()
    store = Store(own_valkey.url, timeout=0.1, mac=MAC)
    await store.start()
    with pytest.raises(StoreUnavailable):
        await store.ping()
    await store.stop()


@pytest.mark.parametrize("url", ["http://:hidden@cache", "redis://:hid/den@cache"])
def test_a_url_that_can_not_be_used_is_an_error_at_start(url: str) -> None:
    with pytest.raises(StartError, match=r"^store\.url ") as caught:
        Store(url, mac=MAC)

    assert "hid" not in str(caught.value)
