"""A store that is dead, frozen or full: nobody is let in, soon, and it heals without a restart."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, raw_upstream
from tests.running import Running
from tests.web_gateway import ask_for_token, request, web_config

SOON = 5.0
"""Seconds within which callers are told, and within which it has healed."""


@pytest.fixture
def upstream() -> Iterator[RawUpstream]:
    with raw_upstream() as made:
        yield made


@pytest.fixture(params=[True, False], ids=["fast_path", "aiohttp"])
async def gateway(
    request: pytest.FixtureRequest, own_valkey: Valkey, upstream: RawUpstream, tmp_path: Path
) -> AsyncIterator[Running]:
    running = Running(web_config(upstream, own_valkey.url, "test:", fast_lane=request.param), tmp_path)
    running.await_ready()
    yield running
    running.stop()


async def until(ask: Callable[[], object], status: int) -> tuple[RawMessage, float]:
    """Asks until the answer has that status; how long that took. No answer may take longer than `SOON`."""
    begun = time.monotonic()
    while True:
        async with asyncio.timeout(SOON):
            answer = await ask()  # type: ignore[misc]  # a coroutine
        if answer.status == status:
            return answer, time.monotonic() - begun
        assert time.monotonic() - begun < 3 * SOON, answer.head
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_a_store_that_is_away(gateway: Running, own_valkey: Valkey, how: str) -> None:
    client: RawClient = await gateway.connect()
    token = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
    bearer = request("/read", f"Authorization: Bearer {token}")

    async def call() -> RawMessage:
        return await client.ask(bearer)

    async def issue() -> RawMessage:
        return await ask_for_token(client, "scope=read")

    assert (await call()).status == 200
    own_valkey.kill() if how == "killed" else own_valkey.freeze()
    refusal, seconds = await until(call, 503)
    assert json.loads(refusal.content)["code"] == "900900"
    assert refusal.header("Retry-After") is not None
    # A token that is known here is believed no longer than a second.
    assert seconds < SOON
    refused, _ = await until(issue, 503)
    assert json.loads(refused.content)["error"] == "temporarily_unavailable"
    assert (await client.ask(request("/open"))).status == 200
    own_valkey.start() if how == "killed" else own_valkey.thaw()
    _, seconds = await until(issue, 200)
    assert seconds < SOON
    if how == "frozen":
        await until(call, 200)
    await client.close()


async def test_a_store_that_is_full(gateway: Running, own_valkey: Valkey) -> None:
    client: RawClient = await gateway.connect()
    with own_valkey.client as other:
        other.config_set("maxmemory", 1)

        async def issue() -> RawMessage:
            return await ask_for_token(client, "validity_period=60")

        refused, _ = await until(issue, 503)
        assert refused.header("Cache-Control") == "no-store"
        assert b"The gateway can't issue tokens now." in refused.content
        other.config_set("maxmemory", 0)
        await until(issue, 200)
    await client.close()


async def readyz(gateway: Running, query: str = "") -> RawMessage:
    asking = await gateway.connect(gateway.management)
    answer = await asking.ask(request("/readyz" + query, "Connection: close"))
    await asking.close()
    return answer


async def test_readiness_follows_the_store(gateway: Running, own_valkey: Valkey) -> None:
    async def ready() -> RawMessage:
        return await readyz(gateway)

    await until(ready, 200)
    own_valkey.freeze()
    await until(ready, 503)
    own_valkey.thaw()
    await until(ready, 200)


async def test_readiness_tells_what_a_full_store_still_does(gateway: Running, own_valkey: Valkey) -> None:
    client = await gateway.connect()

    async def issue() -> RawMessage:
        return await ask_for_token(client, "validity_period=60")

    async def strictly() -> RawMessage:
        return await readyz(gateway, "?strict")

    await until(strictly, 200)
    with own_valkey.client as other:
        other.config_set("maxmemory", 1)
        await until(issue, 503)
        await until(strictly, 503)
        answer = await readyz(gateway)
        body = json.loads(answer.content)
        assert answer.status == 200
        assert (body["can_judge"], body["can_issue"], body["can_revoke"]) == (True, False, True)
        assert "its memory is full" in body["reasons"][0]
        metrics = await gateway.connect(gateway.management)
        text = (await metrics.ask(request("/metrics", "Connection: close"))).content
        assert b"gatepost_store_can_issue 0.0" in text
        assert b"gatepost_store_can_revoke 1.0" in text
        await metrics.close()
        other.config_set("maxmemory", 0)
        # Nobody asks for a token: the gateway tries by itself.
        await until(strictly, 200)
    await client.close()
