"""Records that name people by their bare names; tests/portal/test_identity.py has the same from outside."""

from __future__ import annotations

import asyncio

from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.store import Store
from gateway.store.key_names import KeyNames
from gateway.store.migration import migrate
from tests.record_keys import MAC

FILE = {"ann": "file:1"}


async def fill(store: Store, prefix: str) -> None:
    eve = '{"name":"Eve","password":"x","admin":false,"created":7}'
    await store.link.execute("HSET", f"{prefix}users", "eve", MAC.sign(f"{prefix}users eve", eve))
    for number, owner in enumerate(("Ann", "EVE", "gone", "client/ops")):
        await store.applications.create(Application(f"app{number}", "Shop", owner))
        await store.clients.create(
            Client(f"keys{number}", owner=owner, application=f"app{number}", source="store")
        )
    await store.clients.create(Client("ops", source="store"))


async def owners(store: Store) -> list[str]:
    return [one.owner for one in await store.applications.list()]


async def test_owners_become_ids_also_where_workers_start_at_once(store: Store, prefix: str) -> None:
    await fill(store, prefix)
    await asyncio.gather(*(migrate(store.link, KeyNames(prefix), MAC, FILE) for _ in range(4)))
    eve = await store.users.get("eve")
    assert eve is not None
    ids = ["file:1", eve.id, "none:gone", "client:ops"]
    assert await owners(store) == ids
    assert [one.owner for one in await store.clients.list()] == [*ids, ""]
    assert [one.owner_name for one in await store.applications.list()] == ["Ann", "EVE", "gone", "client/ops"]
    assert (eve.id.startswith("store:"), eve.created) == (True, 7)
    assert await store.users.get_by_id(eve.id) == eve


async def test_a_bare_name_that_turns_up_later_is_nobodys(store: Store, prefix: str) -> None:
    await migrate(store.link, KeyNames(prefix), MAC, FILE)
    await store.applications.create(Application("app", "Shop", "Ann"))
    await migrate(store.link, KeyNames(prefix), MAC, FILE)
    assert await owners(store) == ["Ann"], "no user has such an id"


async def test_records_that_are_not_ours_are_left_alone(store: Store, prefix: str) -> None:
    for kind in ("users", "apps", "clients"):
        await store.link.execute("HSET", f"{prefix}{kind}", "x", '{"name":"x","owner":"ann","password":"p"}')
    await migrate(store.link, KeyNames(prefix), MAC, FILE)
    assert (
        await store.link.execute("HGET", f"{prefix}apps", "x") == b'{"name":"x","owner":"ann","password":"p"}'
    )
