"""What workers' answers to a canary prove, and that they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.store import Store
from gateway.store.revocation_probe import INTERVAL, RevocationProof, proof_of
from tests.conftest import Valkey
from tests.record_keys import MAC

WRITTEN = 1_800_000_000_000_000


@pytest.mark.parametrize(
    ("answers", "proof", "text"),
    [
        ({}, RevocationProof(0, 0, 0.0), "no worker is running"),
        (
            {b"a": b"7 %d" % (WRITTEN + 1_000), b"b": b"8 %d" % (WRITTEN + 3_000)},
            RevocationProof(2, 2, 0.003),
            "refused by 2 of 2 workers after 3 ms",
        ),
        (
            {b"a": b"7 %d" % (WRITTEN + 1_000), b"b": b"6 %d" % (WRITTEN - 900_000)},
            RevocationProof(1, 2, 0.001),
            "refused by 1 of 2 workers after 1 ms",
        ),
        (
            {b"a": b"7 %d" % WRITTEN, b"gone": b"2 %d" % (WRITTEN - 5_000_001)},
            RevocationProof(1, 1, 0.0),
            "refused by 1 of 1 workers after 0 ms",
        ),
    ],
)
def test_a_proof_counts_the_workers_that_are_alive(
    answers: dict[bytes, bytes], proof: RevocationProof, text: str
) -> None:
    assert proof_of(7, WRITTEN, answers) == proof
    assert proof.text == text


@asynccontextmanager
async def store(valkey: Valkey, prefix: str, *, worker: bool) -> AsyncIterator[Store]:
    opened = Store(valkey.url, prefix, mac=MAC, tracking=worker)
    if worker:
        opened.monitor()
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 (the store sets no event)
            await asyncio.sleep(0.01)


async def test_every_worker_hears_within_a_moment_and_one_that_has_stopped_is_not_waited_for(
    valkey: Valkey, prefix: str
) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(store(valkey, prefix, worker=True)) for _ in range(3)]
        asks = await stack.enter_async_context(store(valkey, prefix, worker=False))
        proof = await asks.probe.prove()
        while proof.workers < len(workers):
            await asyncio.sleep(0.02)
            proof = await asks.probe.prove()
        assert proof.heard == 3
        assert 0 < proof.seconds < INTERVAL
        await until(lambda: all(0 < worker.probe.seen_seconds < INTERVAL for worker in workers))
        await workers[0].probe.stop()
        assert (await asks.probe.prove()).workers == 2
    assert (await prove_alone(valkey, prefix)).text == "no worker is running"


async def prove_alone(valkey: Valkey, prefix: str) -> RevocationProof:
    async with store(valkey, prefix, worker=False) as asks:
        return await asks.probe.prove()
