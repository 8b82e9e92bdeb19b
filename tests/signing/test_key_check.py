"""Two gateways with different master keys find out before their clients do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.errors import StoreUnavailable
from gateway.signing.key_check import KeyCheck, KeyState, OtherMasterKey, check_values, key_state
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import until

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


class Gateway:
    """A gateway's check, which hears from the store."""

    def __init__(self, url: str, prefix: str, *keys: bytes) -> None:
        self.store = Store(url, prefix, tracking=True, mac=MAC)
        self.changes: list[OtherMasterKey | None] = []
        self.accepted = self.repaired = 0
        self.check = KeyCheck(self.store.key_check, MasterKeys(keys), self.changes.append, self._accept)
        self.store.listeners.add(self.check)

    async def _accept(self, repaired: bool) -> None:
        self.accepted += 1
        self.repaired += repaired

    async def right(self) -> bool:
        try:
            await self.check.check()
        except OtherMasterKey:
            return False
        return True

    async def wrong(self) -> bool:
        return not await self.right()


@asynccontextmanager
async def gateway(valkey: Valkey, prefix: str, *keys: bytes) -> AsyncIterator[Gateway]:
    made = Gateway(valkey.url, prefix, *keys)
    await made.store.start()
    try:
        yield made
    finally:
        await made.check.stop()
        await made.store.stop()


def test_a_check_value_says_nothing_about_the_key_and_is_of_one_key_alone() -> None:
    assert check_values(MasterKeys((A, B))) == (
        *check_values(MasterKeys((A,))),
        *check_values(MasterKeys((B,))),
    )
    assert len(set(check_values(MasterKeys((A, B))))) == 2
    assert A not in check_values(MasterKeys((A,)))[0]


@pytest.mark.parametrize(
    ("found", "state"),
    [(None, KeyState.UNUSED), (b"1", KeyState.CURRENT), (b"2", KeyState.OLDER), (b"3", KeyState.OTHER)],
)
def test_what_the_value_in_the_store_says(found: bytes | None, state: KeyState) -> None:
    assert key_state(found, (b"1", b"2")) is state


async def test_the_first_gateway_claims_the_store_and_one_with_another_key_is_reported_once(
    valkey: Valkey, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(valkey, prefix, A) as first, gateway(valkey, prefix, A) as second:
        assert await first.right()
        assert await second.right()
        with caplog.at_level(logging.ERROR, "gatepost"):
            async with gateway(valkey, prefix, B) as other:
                for _ in range(3):
                    assert await other.wrong()
                assert len(other.changes) == 1
                assert other.accepted == 0
        (line,) = caplog.records
        assert "use a master key that is not in tokens.keys" in line.getMessage()
        assert await first.right()
        assert first.accepted == 1


async def test_a_rollout_of_a_new_key_never_makes_a_gateway_wrong(valkey: Valkey, prefix: str) -> None:
    async with gateway(valkey, prefix, A) as one:
        assert await one.right()
        async with gateway(valkey, prefix, A, B) as two:
            assert await two.right()
            assert await one.right()
            async with gateway(valkey, prefix, B, A) as three:
                assert await three.right()
                assert await two.right()
                await until(one.wrong)
                async with gateway(valkey, prefix, B) as four:
                    assert await four.right()
                    assert await three.right()
                    assert await two.right()


async def test_gateways_with_the_keys_in_another_order_do_not_replace_each_others_value_without_end(
    valkey: Valkey, prefix: str
) -> None:
    async with gateway(valkey, prefix, A, B) as one, gateway(valkey, prefix, B, A) as two:
        assert await one.right()
        assert await two.right()
        values = []
        for _ in range(20):
            values.append(await one.store.key_check.get())
            assert await one.right()
            assert await two.right()
        assert len(set(values)) == 1


class SlowSwap:
    """A store that holds the value of an older key, and takes its time to replace it."""

    key = "key check"

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.swap_may_end = asyncio.Event()
        self.swap_began = asyncio.Event()

    async def get(self, note: Callable[[], None] = lambda: None) -> bytes:
        note()
        return self.value

    async def swap(self, before: bytes | None, after: bytes) -> bool:
        self.swap_began.set()
        await self.swap_may_end.wait()
        self.value = after
        return True


async def test_a_check_waits_for_a_value_that_is_being_replaced() -> None:
    store = SlowSwap(check_values(MasterKeys((B,)))[0])
    check = KeyCheck(store, MasterKeys((A, B)))
    check.on_tracking_on()
    await store.swap_began.wait()
    waiting = asyncio.ensure_future(check.check())
    await asyncio.sleep(0)
    assert not waiting.done()
    store.swap_may_end.set()
    await waiting
    assert store.value == check_values(MasterKeys((A,)))[0]
    await check.stop()


async def test_a_running_gateway_hears_that_the_key_was_replaced_and_put_back(
    valkey: Valkey, prefix: str
) -> None:
    async with gateway(valkey, prefix, A) as one:
        assert await one.right()
        await one.store.key_check.set(check_values(MasterKeys((C,)))[0])
        await until(lambda: len(one.changes) == 1)
        assert isinstance(one.changes[0], OtherMasterKey)
        await one.store.key_check.set(check_values(MasterKeys((A,)))[0])
        await until(lambda: len(one.changes) == 2)
        assert one.changes[1] is None
        await until(lambda: (one.accepted, one.repaired) == (2, 1))
        assert await one.right()


async def test_without_a_store_nobody_knows(own_valkey: Valkey, prefix: str) -> None:
    own_valkey.kill()
    made = Gateway(own_valkey.url, prefix, A)
    await made.store.start()
    with pytest.raises(StoreUnavailable):
        await made.check.check()
    own_valkey.start()
    async with asyncio.timeout(10):
        await until(lambda: made.accepted == 1, within=10)
    await made.check.stop()
    await made.store.stop()
