import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import StoreUnavailable
from gateway.signing.encrypted_keys import EncryptedKeys
from gateway.signing.key_ring import KeyRing
from gateway.signing.rotation import KeyRules, ensure, replace_all, rotate
from gateway.store import Store
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.services import Clock
from tests.store.stage import until

RULES = KeyRules("ES256", lead=600, longest=3600)


class Worker:
    """A worker's ring, which hears from the store."""

    def __init__(self, url: str, prefix: str, vault: EncryptedKeys, clock: Clock) -> None:
        self.store = Store(url, prefix, tracking=True, mac=MAC)
        own_vault = EncryptedKeys(self.store.signing_keys, vault._seal)
        self.withdrawn = 0
        self.ring = KeyRing(own_vault, RULES, clock, self.store.signing_keys.key, self._withdraw)
        self.store.listeners.add(self.ring)

    def _withdraw(self) -> None:
        self.withdrawn += 1

    async def knows(self, count: int) -> None:
        """Waits until it knows that many keys by itself."""
        async with asyncio.timeout(20):
            while len(self.ring.published) != count:  # noqa: ASYNC110 (it hears from another process)
                await asyncio.sleep(0.005)


@pytest.fixture
async def workers(
    valkey: Valkey, prefix: str, vault: EncryptedKeys, clock: Clock
) -> AsyncIterator[tuple[Worker, Worker]]:
    both = Worker(valkey.url, prefix, vault, clock), Worker(valkey.url, prefix, vault, clock)
    for worker in both:
        await worker.store.start()
    yield both
    for worker in both:
        await worker.store.stop()


async def test_workers_sign_with_the_same_key(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    keys = await asyncio.gather(*(worker.ring.signer() for worker in workers for _ in range(20)))
    assert len({key.kid for key in keys}) == 1
    assert one.ring.published == other.ring.published
    assert one.ring.find(keys[0].kid) is not None
    assert one.ring.find("other") is None


async def test_a_rotation_is_heard_of_and_signs_when_its_time_has_come(
    workers: tuple[Worker, Worker], vault: EncryptedKeys, clock: Clock
) -> None:
    one, other = workers
    old = await one.ring.signer()
    await other.ring.signer()
    new = (await rotate(vault, RULES, clock))[1].kid
    await one.knows(2)
    await other.knows(2)
    assert (await one.ring.signer()).kid == old.kid
    clock.now += RULES.lead
    assert [(await worker.ring.signer()).kid for worker in workers] == [new, new]
    assert one.ring.find(old.kid)
    clock.now += RULES.longest + 60
    assert one.ring.find(old.kid) is None
    assert [key["kid"] for key in one.ring.published] == [new]
    assert one.withdrawn == 0


async def test_keys_that_are_replaced_are_withdrawn_everywhere(
    workers: tuple[Worker, Worker], vault: EncryptedKeys, clock: Clock
) -> None:
    one, other = workers
    old = await one.ring.signer()
    await other.ring.signer()
    version = other.ring.version
    await replace_all(vault, RULES, clock)
    async with asyncio.timeout(20):
        while one.ring.find(old.kid) or other.ring.find(old.kid):  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.005)
    assert (one.withdrawn, other.withdrawn) == (1, 1)
    assert other.ring.version > version


async def test_what_it_knows_holds_until_the_store_says_otherwise(
    workers: tuple[Worker, Worker], vault: EncryptedKeys, clock: Clock
) -> None:
    one, _ = workers
    await one.ring.signer()
    assert one.ring.current
    one.ring.on_tracking_off()
    assert not one.ring.current
    one.ring.on_tracking_on()
    await one.ring.learn()
    assert one.ring.current


async def test_without_the_store_known_keys_stay_known(
    own_valkey: Valkey, prefix: str, vault: EncryptedKeys, clock: Clock
) -> None:
    worker = Worker(own_valkey.url, prefix, vault, clock)
    await worker.store.start()
    kid = (await worker.ring.signer()).kid
    own_valkey.kill()
    async with asyncio.timeout(20):
        while worker.ring.current:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.005)
    assert worker.ring.find(kid)
    assert worker.ring.published
    await worker.store.stop()


async def test_keys_of_another_gateway_are_neither_used_nor_replaced(
    foreign_vault: EncryptedKeys, vault: EncryptedKeys, clock: Clock
) -> None:
    await KeyRing(vault, RULES, clock, "", lambda: None).signer()
    before = await vault.sealed()
    ring = KeyRing(foreign_vault, RULES, clock, "", lambda: None)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"share tokens\.key"):
            await ring.signer()
        with pytest.raises(StoreUnavailable, match=r"share tokens\.key"):
            await ring.learn()
    assert ring.published == []
    assert not ring.current
    assert await vault.sealed() == before


async def test_who_hears_nothing_asks_no_more_than_once_a_second(vault: EncryptedKeys, clock: Clock) -> None:
    ring = KeyRing(vault, RULES, clock, "", lambda: None)
    await ring.learn()
    await rotate(vault, RULES, clock)
    await ring.learn()
    assert ring.published == []
    assert not ring.current


@pytest.mark.parametrize("lost", ["evicted", "flushed"])
async def test_keys_that_the_store_has_lost_are_put_back_by_one_worker_that_knows_them(
    own_valkey: Valkey,
    prefix: str,
    vault: EncryptedKeys,
    clock: Clock,
    lost: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    workers = [Worker(own_valkey.url, prefix, vault, clock) for _ in range(2)]
    for worker in workers:
        await worker.store.start()
    kids = [(await worker.ring.signer()).kid for worker in workers]
    key = workers[0].store.signing_keys.key
    with own_valkey.client as other:
        before = other.get(key)
        assert before is not None
        other.delete(key) if lost == "evicted" else other.flushall()
        await until(lambda: other.get(key) is not None)
    assert [(await worker.ring.signer()).kid for worker in workers] == kids
    assert [worker.withdrawn for worker in workers] == [0, 0]
    for worker in workers:
        await worker.store.stop()
    assert sum("lost the signing keys" in one.message for one in caplog.records) == 1


async def test_a_first_key_is_not_made_where_keys_are_known(
    store: Store, vault: EncryptedKeys, clock: Clock
) -> None:
    await ensure(vault, RULES, clock)
    known = (await vault.read()).records
    await store.link.execute("DEL", store.signing_keys.key)
    await ensure(vault, KeyRules("EdDSA", 600, 3600), clock, known)
    assert known[0].kid in [one.kid for one in (await vault.read()).records]
