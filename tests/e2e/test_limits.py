"""Limits of real gateways: two of them with two workers each on one store, and a store that goes away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.store import KeyNames
from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.e2e.conftest import StartGateway, configuration
from tests.raw import LIMIT, RawMessage, RawUpstream
from tests.running import Running

ASK = b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n"


def limited(upstream: str, *plugins: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """`/open` with these plugins."""
    route = {"path": "/open", "upstream": "backend", "auth": "none", "plugins": list(plugins)}
    return configuration(upstream, routes=[route], **sections)


def rate(limit: int, per: str) -> dict[str, Any]:
    return {"use": "rate_limit", "with": {"limit": limit, "per": per, "by": "address"}}


async def flood(gateways: list[Running], number: int, callers: int = 3) -> list[RawMessage]:
    """All answers to callers of every gateway who ask so often without a pause, each over a connection."""

    async def call(running: Running) -> list[RawMessage]:
        async with await running.connect() as connection:
            return [await connection.ask(ASK) for _ in range(number)]

    asked = [call(running) for running in gateways for _ in range(callers)]
    return [answer for answers in await asyncio.gather(*asked) for answer in answers]


def admitted(answers: list[RawMessage]) -> int:
    assert {answer.status for answer in answers} <= {200, 429}
    return sum(answer.status == 200 for answer in answers)


async def workers_known(valkey: Valkey, prefix: str, number: int) -> None:
    """Waits until all workers have told the store twice that they are alive, and so know of each other."""
    key = KeyNames(prefix).limit_workers
    heard: dict[Any, set[float]] = {}
    with valkey.client as client:
        async with asyncio.timeout(LIMIT):
            while sum(len(times) > 1 for times in heard.values()) < number:
                for worker, seen in client.zrange(key, 0, -1, withscores=True):
                    heard.setdefault(worker, set()).add(seen)
                await asyncio.sleep(0.02)


def round_trips(valkey: Valkey) -> int:
    with valkey.client as client:
        stats = client.info("commandstats")
    return sum(stats.get(name, {"calls": 0})["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval"))


async def test_four_workers_of_two_gateways_admit_the_limit_and_hardly_ask_the_store(
    gateway: StartGateway, upstream: RawUpstream, own_valkey: Valkey
) -> None:
    store = {"url": own_valkey.url, "prefix": "limits:"}
    config = limited(upstream.url, rate(500, "1m"), store=store)
    gateways = [gateway(config, workers=2) for _ in range(2)]
    await workers_known(own_valkey, "limits:", 4)
    before, began = round_trips(own_valkey), time.monotonic()
    answers = await flood(gateways, 300)
    assert admitted(answers) == 500
    asked, took = round_trips(own_valkey) - before, time.monotonic() - began
    # Some at first, and then each of the four workers ten times a second at most: not once a request.
    assert asked < 150 + 4 * 10 * took
    assert asked < len(answers) / 2
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.header("RateLimit-Policy") == '"address";q=500;w=60'
    label, left, reset = (refused.header("RateLimit") or "").split(";")
    assert (label, left) == ('"address"', "r=0")
    assert int(refused.header("Retry-After") or 0) >= int(reset.removeprefix("t="))
    assert b'"code":"900800"' in refused.content


async def test_one_worker_counts_a_small_limit_exactly(gateway: StartGateway, upstream: RawUpstream) -> None:
    running = gateway(limited(upstream.url, rate(5, "1m")))
    answers = await flood([running], 7, callers=1)
    assert [answer.status for answer in answers[:6]] == [200] * 5 + [429]
    told = [answer.header("RateLimit") for answer in answers[:5]]
    assert told == [f'"address";r={left};t=60' for left in (4, 3, 2, 1, 0)]


async def test_a_limit_outlives_a_worker_and_a_restart(gateway: StartGateway, upstream: RawUpstream) -> None:
    config = limited(upstream.url, rate(50, "1m"))
    first = gateway(config)
    assert admitted(await flood([first], 40)) == 50
    first.stop()
    assert admitted(await flood([gateway(config)], 40)) == 0


async def test_when_the_store_goes_away_requests_go_on_within_bounds(
    gateway: StartGateway, upstream: RawUpstream, own_valkey: Valkey
) -> None:
    store = {"url": own_valkey.url, "prefix": "limits:", "timeout": BRIEF}
    running = gateway(limited(upstream.url, rate(200, "1m"), store=store))
    assert admitted(await flood([running], 5, callers=1)) > 0
    own_valkey.kill()
    answers = await flood([running], 150)
    assert admitted(answers) > 0
    assert admitted(answers) <= 200
    own_valkey.start()
    answers = await flood([running], 150)
    assert admitted(answers) <= 200


async def test_requests_under_way_are_limited_and_free_their_place(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    waiting, go_on = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        waiting.append(writer)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go_on.wait(), loop))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    upstream.reset(slow)
    running = gateway(limited(upstream.url, {"use": "concurrency", "with": {"limit": 2, "by": "route"}}))
    connections = [await running.connect() for _ in range(3)]
    for connection in connections[:2]:
        await connection.send(ASK)
    await upstream.next(2)
    assert (await connections[2].ask(ASK)).status == 429
    go_on.set()
    for connection in connections[:2]:
        assert (await connection.receive()).status == 200
    assert (await connections[2].ask(ASK)).status == 200
    for connection in connections:
        await connection.close()


@pytest.mark.parametrize("fast_path", [True, False])
async def test_the_fast_path_counts_as_everything_else(
    gateway: StartGateway, upstream: RawUpstream, fast_path: bool, tmp_path: Path
) -> None:
    running = gateway(limited(upstream.url, rate(20, "1m"), server={"fast_lane": fast_path}))
    assert admitted(await flood([running], 15)) == 20


@pytest.mark.parametrize("fast_path", [True, False])
async def test_over_two_workers_the_first_twenty_pass_and_no_more(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str, fast_path: bool
) -> None:
    running = gateway(limited(upstream.url, rate(20, "1m"), server={"fast_lane": fast_path, "workers": 2}))
    await workers_known(valkey, prefix, 2)
    statuses = []
    for _ in range(25):
        async with await running.connect() as connection:  # a worker may be another for each connection
            statuses.append((await connection.ask(ASK)).status)
    assert statuses == [200] * 20 + [429] * 5


@pytest.mark.parametrize("fast_path", [True, False])
async def test_over_two_workers_two_requests_are_in_flight_at_once(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str, fast_path: bool
) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(release.wait(), loop))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    upstream.reset(slow)
    plugin = {"use": "concurrency", "with": {"limit": 2, "by": "route"}}
    running = gateway(limited(upstream.url, plugin, server={"fast_lane": fast_path, "workers": 2}))
    await workers_known(valkey, prefix, 2)
    for turn in range(1, 6):
        release.clear()
        connections = [await running.connect() for _ in range(2)]
        for connection in connections:
            await connection.send(ASK)
        await upstream.next(2 * turn)
        async with await running.connect() as third:
            assert (await third.ask(ASK)).status == 429
        release.set()
        for connection in connections:
            assert (await connection.receive()).status == 200
            await connection.close()
