import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client, Secret
from gateway.store import (
    ClientContended,
    ClientExists,
    ClientMissing,
    ClientStore,
    ClientUnreadable,
    ClientWrite,
    RedisConnection,
    StorePool,
    TokenStore,
    parse_address,
)
from gateway.store.invalidation_listeners import InvalidationListeners
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import linked, until
from tests.store.test_tokens import FACTS, draft

SHOP = Client(id="shop", name="Shop", secrets=(Secret(b"\x01" * 32),), scopes=("a",), source="store")


@pytest.fixture
def clients(link: RedisConnection, pool: StorePool, prefix: str) -> ClientStore:
    return ClientStore(link, pool, KeyNames(prefix), MAC)


def renamed(name: str) -> Callable[[Client], Client]:
    return lambda client: replace(client, name=name)


async def test_finds_what_was_created(clients: ClientStore) -> None:
    await clients.create(SHOP)

    assert await clients.get("shop") == SHOP
    assert await clients.get("unknown") is None


async def test_lists_by_id(clients: ClientStore) -> None:
    assert await clients.list() == []
    ids = [f"c{n:04}" for n in range(1200)]
    for start in range(0, len(ids), 8):  # all at once, the last would wait longer than the store's timeout
        some = reversed(ids[start : start + 8])
        await asyncio.gather(*(clients.create(replace(SHOP, id=one)) for one in some))

    assert [client.id for client in await clients.list()] == ids


async def test_a_page_is_the_next_clients_behind_an_id(clients: ClientStore) -> None:
    for name in ("d", "a", "c", "b"):
        await clients.create(replace(SHOP, id=name))
    page = await clients.page("", 2)
    assert ([client.id for client in page.clients], page.total) == (["a", "b"], 4)
    page = await clients.page("b", 9)
    assert ([client.id for client in page.clients], page.total) == (["c", "d"], 2)
    page = await clients.page("a", 1, without={"b"})
    assert ([client.id for client in page.clients], page.total) == (["c"], 2)
    assert page.clients[0] == replace(SHOP, id="c")


async def test_of_many_who_create_the_same_one_succeeds(clients: ClientStore) -> None:
    tries = [clients.create(replace(SHOP, name=str(n))) for n in range(10)]
    done = await asyncio.gather(*tries, return_exceptions=True)

    assert done.count(None) == 1
    assert sum(isinstance(error, ClientExists) for error in done) == 9
    found = await clients.get("shop")
    assert found is not None
    assert found.name == str(done.index(None))


async def test_changes_of_the_same_client_at_once_are_all_kept(clients: ClientStore) -> None:
    def grow(client: Client) -> Client:
        return replace(client, scopes=(*client.scopes, "more"))

    await clients.create(SHOP)
    await asyncio.gather(*(clients.update("shop", grow) for _ in range(6)))

    found = await clients.get("shop")
    assert found is not None
    assert found.scopes == ("a", *["more"] * 6)


async def test_an_update_returns_what_it_wrote(clients: ClientStore) -> None:
    await clients.create(SHOP)

    assert await clients.update("shop", renamed("Other")) == replace(SHOP, name="Other")
    assert await clients.get("shop") == replace(SHOP, name="Other")


async def test_a_client_that_others_keep_changing_is_not_fought_over_for_ever(
    clients: ClientStore, valkey: Valkey, prefix: str
) -> None:
    await clients.create(SHOP)
    with valkey.client as other:

        def change(client: Client) -> Client:
            record = f'{{"enabled":true,"created":{client.created + 1}}}'
            other.hset(f"{prefix}clients", "shop", MAC.sign(f"{prefix}clients shop", record))
            return client

        with pytest.raises(ClientContended):
            await clients.update("shop", change)


async def test_what_is_missing_can_not_be_changed_and_is_not_created(clients: ClientStore) -> None:
    with pytest.raises(ClientMissing, match="'shop'"):
        await clients.update("shop", renamed("x"))

    assert await clients.get("shop") is None


async def test_deleting_ends_the_tokens_too(clients: ClientStore, link: RedisConnection, prefix: str) -> None:
    tokens = TokenStore(link, KeyNames(prefix), MAC)
    await clients.create(SHOP)
    await tokens.issue(draft(hash="live", facts=replace(FACTS, client="shop", source="store")))

    assert await clients.delete("shop")
    assert await clients.get("shop") is None
    assert await tokens.facts("live") is None
    assert not await clients.delete("shop")

    await clients.create(SHOP)
    assert await tokens.facts("live") is None


async def test_a_malformed_record_is_named_and_can_be_deleted(
    clients: ClientStore, valkey: Valkey, prefix: str
) -> None:
    with valkey.client as other:
        other.hset(f"{prefix}clients", "broken", MAC.sign(f"{prefix}clients broken", '{"name":"x"}'))

    for attempt in (clients.get("broken"), clients.list(), clients.update("broken", renamed("x"))):
        with pytest.raises(ClientUnreadable, match="'broken'"):
            await attempt
    assert await clients.delete("broken")


@pytest.mark.parametrize("strange", ["", "x" * 256, "\ud800", "a\udfffb"])
async def test_an_id_that_can_be_nobodys_is_not_asked_for(clients: ClientStore, strange: str) -> None:
    assert await clients.get(strange) is None
    assert not await clients.delete(strange)
    with pytest.raises(ClientMissing):
        await clients.update(strange, renamed("x"))
    with pytest.raises(ValueError, match="1 to 255"):
        await clients.create(replace(SHOP, id=strange))


@pytest.mark.parametrize("strange", ["*", "a b", "\r\n", "Würfel", "\x00", "x" * 255])
async def test_any_other_id_is_only_a_name(clients: ClientStore, strange: str) -> None:
    await clients.create(replace(SHOP, id=strange))

    assert await clients.get(strange) == replace(SHOP, id=strange)
    assert [client.id for client in await clients.list()] == [strange]


async def test_without_a_store_nothing_is_answered(own_valkey: Valkey) -> None:
    pool = StorePool(lambda: parse_address(own_valkey.url), timeout=0.2)
    async with linked(own_valkey.url, timeout=0.2) as link:
        clients = ClientStore(link, pool, KeyNames("p:"), MAC)
        own_valkey.kill()
        for attempt in (
            clients.get("shop"),
            clients.list(),
            clients.create(SHOP),
            clients.update("shop", renamed("x")),
            clients.delete("shop"),
        ):
            with pytest.raises(StoreUnavailable):
                await attempt
    await pool.close()


async def test_what_was_read_is_known_until_any_client_changes(
    valkey: Valkey, link: RedisConnection, pool: StorePool, prefix: str
) -> None:
    elsewhere = ClientStore(link, pool, KeyNames(prefix), MAC)
    await elsewhere.create(SHOP)
    listeners = InvalidationListeners()
    async with linked(valkey.url, tracking=True, listener=listeners) as tracking:
        here = ClientStore(tracking, pool, KeyNames(prefix), MAC)
        await here.get("shop")
        assert here.known.get("shop") is None, "it does not hear of changes yet"
        listeners.add(here.known)
        here.known.on_tracking_on()
        for change in ("update", "delete"):
            await here.get("shop")
            assert here.known.get("shop") is not None
            if change == "update":
                await elsewhere.update("shop", renamed("other"))
            else:
                await elsewhere.delete("shop")
            await until(lambda: here.known.get("shop") is None)
        assert await here.get("shop") is None
        assert here.known.size == 0


async def test_a_change_of_ones_own_is_known_at_once(
    valkey: Valkey, link: RedisConnection, pool: StorePool, prefix: str
) -> None:
    clients = ClientStore(link, pool, KeyNames(prefix), MAC)
    await clients.create(SHOP)
    clients.known.on_tracking_on()
    for change in (clients.update("shop", renamed("other")), clients.delete("shop")):
        clients.known.put("shop", SHOP, [f"{prefix}clients"])
        await change
        assert clients.known.get("shop") is None


async def test_many_are_written_at_once_unless_others_have_written_them(clients: ClientStore) -> None:
    for name in ("there", "changed"):
        await clients.create(replace(SHOP, id=name))
    before = replace(SHOP, id="changed")
    left = await clients.write_many(
        [
            *(ClientWrite(None, replace(SHOP, id=f"new-{number}")) for number in range(3)),
            ClientWrite(None, replace(SHOP, id="there", name="Lost")),
            ClientWrite(before, replace(before, name="Changed"), end_tokens=True),
            ClientWrite(replace(before, name="another"), replace(before, name="Lost")),
            ClientWrite(replace(before, id="gone"), replace(before, id="gone")),
        ]
    )
    assert left == ["there", "changed", "gone"]
    found = {one.id: one.name for one in await clients.list()}
    assert found == {
        "there": "Shop",
        "changed": "Changed",
        **{f"new-{number}": "Shop" for number in range(3)},
    }


async def test_each_client_is_looked_at_except_those_that_cannot_be_read(
    clients: ClientStore, link: RedisConnection, prefix: str
) -> None:
    for number in range(1200):
        await clients.create(replace(SHOP, id=f"shop-{number}"))
    await link.execute("HSET", KeyNames(prefix).clients(""), "broken", "{}")
    assert {client.id async for client in clients.each()} == {f"shop-{number}" for number in range(1200)}
