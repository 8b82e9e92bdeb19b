"""Passwords are kept as argon2 hashes."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import extract_parameters

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.passwords import HashQueue, Passwords, hasher


async def test_a_password_matches_its_hash_and_no_other() -> None:
    async with Passwords().turn("192.0.2.1") as hashing:
        kept = await hashing.hash("correct horse")
        assert await hashing.verify(kept, "correct horse")
        assert not await hashing.verify(kept, "Correct horse")
        assert not await hashing.verify("no hash", "correct horse")


async def test_two_hashes_of_one_password_differ() -> None:
    async with Passwords().turn("192.0.2.1") as hashing:
        assert len(set(await asyncio.gather(*(hashing.hash("same") for _ in range(3))))) == 3


def test_a_hash_is_as_costly_as_is_advised() -> None:
    found = extract_parameters(hasher().hash("x"))
    assert (found.type.name, found.memory_cost >= 19_456, found.time_cost >= 2) == ("ID", True, True)


class Queue:
    """A queue that one request holds, and those who wait in it, in the order of their turns."""

    def __init__(self, **bounds: int) -> None:
        self.queue = HashQueue(at_once=1, **bounds)
        self.served: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def join(self, *names: str) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._wait(name))
        await asyncio.sleep(0)

    async def _wait(self, name: str) -> None:
        await self.queue.acquire(name[0])
        self.served.append(name)
        self.queue.release()

    async def serve_all(self) -> list[str]:
        self.queue.release()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return self.served


async def test_addresses_take_turns_in_the_hash_queue() -> None:
    queue = Queue()
    await queue.queue.acquire("a")
    await queue.join("a1", "a2", "a3", "b1", "c1", "b2")
    assert await queue.serve_all() == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_the_hash_queue_is_bounded_by_address_and_by_addresses() -> None:
    queue = Queue(most_addresses=2, most_of_address=2)
    await queue.queue.acquire("a")
    await queue.join("a1", "a2", "b1", "a3", "c1")
    assert await queue.serve_all() == ["a1", "b1", "a2"]
    for refused in ("a3", "c1"):
        with pytest.raises(TooManyAttempts, match="at once") as caught:
            queue.tasks[refused].result()
        assert caught.value.retry_after == 1
    await queue.queue.acquire("c")


@pytest.mark.parametrize("when", ["waiting", "called"])
async def test_who_leaves_the_hash_queue_leaves_no_place_taken(when: str) -> None:
    queue = Queue()
    await queue.queue.acquire("a")
    await queue.join("a1", "b1")
    if when == "called":
        queue.queue.release()
        queue.tasks["a1"].cancel()
        await asyncio.gather(*queue.tasks.values(), return_exceptions=True)
        assert queue.served == ["b1"]
    else:
        queue.tasks["a1"].cancel()
        await asyncio.sleep(0)
        assert await queue.serve_all() == ["b1"]
    await asyncio.wait_for(queue.queue.acquire("c"), 20)
