"""What the store holds for good, and what of it is lost."""

import pytest

from gateway.store import Store
from gateway.store.holdings import Holdings, read_holdings
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey

BEFORE = Holdings(clients=3, applications=1, users=0, loads=True)


@pytest.mark.parametrize(
    ("now", "evicts", "lost"),
    [
        (BEFORE, False, []),
        (Holdings(1, 1, 0, loads=True), False, []),
        (Holdings(0, 1, 0, loads=True), False, ["all 3 clients"]),
        # The only application: somebody may have deleted it.
        (Holdings(3, 0, 0, loads=True), False, []),
        (Holdings(3, 0, 0, loads=True), True, ["the only one of its applications"]),
        (Holdings(), False, ["all 3 clients", "the only one of its applications"]),
    ],
)
def test_what_nobody_removes_one_by_one_is_lost(now: Holdings, evicts: bool, lost: list[str]) -> None:
    assert now.lost_since(BEFORE, evicts=evicts) == lost


async def test_the_records_are_counted(store: Store, valkey: Valkey, prefix: str) -> None:
    names = KeyNames(prefix)
    assert await read_holdings(store.link, names) == Holdings()
    with valkey.client as other:
        other.hset(names.clients(""), mapping={"a": "1", "b": "2"})
        other.hset(names.accounts, "c", "3")
        other.set(names.file_version, 1)
    assert await read_holdings(store.link, names) == Holdings(2, 0, 1, loads=True)
