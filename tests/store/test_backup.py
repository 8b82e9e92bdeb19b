"""The lasting records, taken out of one store and put into another."""

from __future__ import annotations

from gateway.oauth.user import User
from gateway.store import Store
from gateway.store.backup import USERS, RecordBackup
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey
from tests.record_keys import MAC


async def test_an_imported_person_can_sign_in_and_has_no_session(valkey: Valkey, prefix: str) -> None:
    stores = [Store(valkey.url, f"{prefix}{name}:", mac=MAC) for name in ("old", "new")]
    old, new = stores
    for store in stores:
        await store.start()
    made = await old.users.create(User("Ada", "digest"))
    records = await RecordBackup(old.link, KeyNames(f"{prefix}old:"), MAC).read()
    outcome = await RecordBackup(new.link, KeyNames(f"{prefix}new:"), MAC).write(records, overwrite=False)
    assert outcome.written[USERS] == 1
    found = await new.users.get("ada")
    assert found is not None
    assert (found.id, found.name, found.password) == (made.id, "Ada", "digest")
    assert found.generation != made.generation, "sessions of the old store are none of the new one"
    assert await new.users.names([made.id]) == {made.id: "Ada"}
    for store in stores:
        await store.stop()


async def test_records_of_others_are_left_out(store: Store, valkey: Valkey, prefix: str) -> None:
    with valkey.client as other:
        other.hset(f"{prefix}clients", "forged", '{"scopes":["all"]}')
    assert (await RecordBackup(store.link, KeyNames(prefix), MAC).read())["clients"] == {}
