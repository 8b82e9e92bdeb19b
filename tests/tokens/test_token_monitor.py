"""When a token in long use is said to have ended, and by whom that is found out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.oauth.grants import Grant
from gateway.oauth.model import OWN_ONLY
from gateway.store.key_names import KeyNames
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_monitor import TokenMonitor
from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.services import Services, Worker, worker
from tests.store.stage import until

SOON = 0.1
"""Seconds within which a revocation must be heard of."""


@pytest.fixture
async def here(valkey: Valkey, prefix: str) -> AsyncIterator[Worker]:

    cache = TokenCache(KeyNames(prefix), time.monotonic)
    async with worker(valkey.url, prefix, cache=cache) as made:
        made.store.listeners.add(cache)
        cache.on_tracking_on()
        yield made


def monitor(services: Services) -> TokenMonitor:
    return TokenMonitor(services.token_validator.resolve, services.cache, services.clock)


async def issue(services: Services, lifetime: int = 60) -> str:
    client = services.file_clients[0]
    grant = Grant(scopes=("orders.read",), audience=(), subject=client.id, lifetime=lifetime, reusable=False)
    return (await services.issuer.issue(client, "client_credentials", grant)).access_token


async def seconds_to_end(waiting: asyncio.Task[None]) -> float:
    began = time.monotonic()
    async with asyncio.timeout(20):
        await waiting
    return time.monotonic() - began


async def asks_no_more(here: Worker) -> None:
    """While the store says what changes, it is not asked: after the look that comes with the watch, never."""
    async with asyncio.timeout(20):
        asked = -1
        while asked != len(here.asked):
            asked = len(here.asked)
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("how", ["one token", "all of the client"])
async def test_a_revocation_is_heard_of_at_once(here: Worker, valkey: Valkey, prefix: str, how: str) -> None:
    async def heard_of() -> float:
        token = await issue(here.services)
        waiting = asyncio.create_task(monitor(here.services).ended(token, OWN_ONLY))
        await until(lambda: bool(here.services.cache._watching))
        await asks_no_more(here)
        assert not waiting.done()
        # By another gateway: this one has no part in it.
        with valkey.client as other:
            other.delete(*other.keys(f"{prefix}t:*" if how == "one token" else f"{prefix}g:*"))
        return await seconds_to_end(waiting)

    await mostly_within(SOON, heard_of)


async def test_it_ends_when_the_store_says_so_whatever_the_clock_does(here: Worker) -> None:
    token = await issue(here.services, lifetime=1)
    here.services.clock.now += 100_000
    began = time.monotonic()
    waiting = asyncio.create_task(monitor(here.services).ended(token, OWN_ONLY))
    await seconds_to_end(waiting)
    assert time.monotonic() - began > 0.8, "and it does end"


async def test_while_revocations_can_not_be_heard_of_the_store_is_asked(
    here: Worker, valkey: Valkey, prefix: str
) -> None:
    here.services.cache.on_tracking_off()

    async def found_out() -> float:
        token = await issue(here.services)
        waiting = asyncio.create_task(monitor(here.services).ended(token, OWN_ONLY))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        with valkey.client as other:
            other.delete(*other.keys(f"{prefix}t:*"))
        return await seconds_to_end(waiting)

    await mostly_within(SOON, found_out)


async def test_a_token_that_nobody_can_judge_counts_as_ended_after_a_second(
    own_valkey: Valkey, prefix: str
) -> None:

    cache = TokenCache(KeyNames(prefix), time.monotonic)
    async with worker(own_valkey.url, prefix, cache=cache) as here:
        here.store.listeners.add(cache)
        cache.on_tracking_on()
        token = await issue(here.services)
        waiting = asyncio.create_task(monitor(here.services).ended(token, OWN_ONLY))
        await until(lambda: bool(cache._watching))
        own_valkey.kill()
        # A good second, and not as long as the token would live.
        assert 0.8 < await seconds_to_end(waiting) < 10


async def test_nobody_who_has_stopped_waiting_is_remembered(here: Worker) -> None:
    token = await issue(here.services)
    waiting = asyncio.create_task(monitor(here.services).ended(token, OWN_ONLY))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert here.services.cache._watching == {}
