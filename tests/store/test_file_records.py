"""The records of what gateway.yaml declared, on a real store."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.oauth.user import User
from gateway.store import Store
from gateway.store.file_changes import DeclaredUser
from gateway.store.file_records import MANY, FileRecords, Identified
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.test_tokens import FACTS, draft

ANN = {"ann": DeclaredUser("Ann", ("digest",))}
SHOP = {FACTS.client: frozenset({"secret-1"})}
NOBODY: dict[str, DeclaredUser] = {}


@pytest.fixture
def records(prefix: str) -> FileRecords:
    return FileRecords(KeyNames(prefix), MAC)


async def test_a_user_keeps_the_id_until_the_name_leaves_the_file(store: Store, records: FileRecords) -> None:
    first = await records.apply(store.link, "load-1", ANN, {})
    assert await records.apply(store.link, "load-2", ANN, {}) == first
    assert await records.apply(store.link, "load-3", NOBODY, {}) == {}
    again = await records.apply(store.link, "load-4", ANN, {})
    assert again["ann"].id != first["ann"].id


async def test_workers_that_start_at_once_for_one_load_agree(store: Store, records: FileRecords) -> None:
    asked = [records.apply(store.link, "load-1", ANN, {}) for _ in range(10)]
    answers = await asyncio.gather(*asked)
    assert answers == [answers[0]] * 10


async def test_of_several_loads_at_once_none_is_lost(store: Store, records: FileRecords) -> None:
    asked = [records.apply(store.link, f"load-{number}", ANN, {}) for number in range(10)]
    assert len({one["ann"].id for one in await asyncio.gather(*asked)}) == 1


async def test_a_worker_that_starts_late_for_an_old_load_changes_nothing(
    store: Store, records: FileRecords, valkey: Valkey, prefix: str
) -> None:
    old = await records.apply(store.link, "load-1", ANN, SHOP)
    await records.apply(store.link, "load-2", NOBODY, {})
    with valkey.client as other:
        before = {key: other.dump(key) for key in other.scan_iter(f"{prefix}*")}
        assert await records.apply(store.link, "load-1", ANN, SHOP) == old
        assert {key: other.dump(key) for key in other.scan_iter(f"{prefix}*")} == before
    assert await store.users.get_by_id(old["ann"].id) is None


async def test_a_name_of_the_file_is_taken_from_an_account(store: Store, records: FileRecords) -> None:
    account = await store.users.create(User("Ann", "$argon2id$hash", source="store"))
    await records.apply(store.link, "load-1", ANN, {})
    assert await store.users.get("ann") is None
    found = await store.users.get_by_id(account.id)
    assert found is not None
    assert found.generation != account.generation
    await records.apply(store.link, "load-2", ANN, {})
    assert await store.users.get_by_id(account.id) == found, "only once"
    await records.apply(store.link, "load-3", NOBODY, {})
    assert await store.users.get("ann") == found


async def token(store: Store) -> str:
    new = draft()
    await store.tokens.issue(new)
    return new.hash


@pytest.mark.parametrize(
    "now", [{}, {FACTS.client: frozenset({"secret-2"})}], ids=["it is gone", "all its secrets are others"]
)
async def test_a_clients_tokens_end_and_stay_ended(
    store: Store, records: FileRecords, now: dict[str, frozenset[str]]
) -> None:
    await records.apply(store.link, "load-1", NOBODY, SHOP)
    name = await token(store)
    await records.apply(store.link, "load-2", NOBODY, now)
    assert await store.tokens.facts(name) is None
    await records.apply(store.link, "load-3", NOBODY, SHOP)
    assert await store.tokens.facts(name) is None


async def test_the_first_load_ends_no_tokens_and_a_later_one_that_changes_nothing_neither(
    store: Store, records: FileRecords
) -> None:
    name = await token(store)
    for load in ("load-1", "load-2"):
        await records.apply(store.link, load, NOBODY, SHOP)
        assert await store.tokens.facts(name) is not None


async def test_records_that_are_not_signed_name_nobody(
    store: Store, records: FileRecords, valkey: Valkey, prefix: str
) -> None:
    """Whoever can write the store could give one user the id of another else."""
    first = await records.apply(store.link, "load-1", ANN, {})
    with valkey.client as other:
        for key in (f"{prefix}file:users", f"{prefix}file:loads"):
            for field, data in other.hgetall(key).items():
                other.hset(key, field, data.replace(first["ann"].id.encode(), b"file:other"))
    for load in ("load-1", "load-2"):
        assert (await records.apply(store.link, load, ANN, {}))["ann"].id != "file:other"


async def test_only_so_many_loads_are_remembered(
    store: Store, records: FileRecords, valkey: Valkey, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.file_records.MOST_LOADS", 3)
    for number in range(6):
        await records.apply(store.link, f"load-{number}", ANN, {})
    with valkey.client as other:
        assert other.hlen(f"{prefix}file:loads") == other.llen(f"{prefix}file:load_order") == 3
    assert isinstance((await records.apply(store.link, "load-5", ANN, {}))["ann"], Identified)


@pytest.mark.parametrize("clients", [3, MANY + 1])
async def test_only_many_clients_are_compared_in_a_thread(
    store: Store, records: FileRecords, clients: int
) -> None:
    before = threading.active_count()
    declared = {f"client-{number}": frozenset({f"secret-{number}"}) for number in range(clients)}
    await records.apply(store.link, "load-1", NOBODY, declared)
    assert (threading.active_count() > before) is (clients > MANY)


async def test_of_the_clients_only_those_that_differ_are_written(
    store: Store, records: FileRecords, valkey: Valkey, prefix: str
) -> None:
    await records.apply(store.link, "load-1", NOBODY, {"a": frozenset({"1"}), "b": frozenset({"2"})})
    with valkey.client as other:
        # As nobody else writes to it, a value that is not written again stays as it is.
        other.hset(f"{prefix}file:clients", "a", "1 1")
        await records.apply(store.link, "load-2", NOBODY, {"a": frozenset({"1"}), "b": frozenset({"3"})})
        assert other.hgetall(f"{prefix}file:clients") == {b"": b"1", b"a": b"1 1", b"b": b"3"}
