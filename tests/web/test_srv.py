"""Servers of an upstream from a real DNS server, on both ways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Valkey
from tests.name_server import NameServer, name_server
from tests.raw import RawClient, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import request, web_config

NAME = "_http._tcp.orders.test."


@pytest.fixture
def servers() -> Iterator[list[RawUpstream]]:
    with raw_upstream() as one, raw_upstream() as two, raw_upstream() as three:
        found = [one, two, three]
        for number, server in enumerate(found):
            server.reset(says(answer("200 OK", b"%d" % number)))
        yield found


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


@pytest.fixture(params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    servers: list[RawUpstream],
    dns: NameServer,
    valkey: Valkey,
    tmp_path: Path,
) -> Iterator[Running]:
    one, two, three = (server.port for server in servers)
    dns.records[NAME] = [(10, 3, one, "localhost."), (10, 1, two, "localhost."), (20, 1, three, "localhost.")]
    config = web_config(servers[0], valkey.url, "srv:", fast_lane=request.param)
    url = "srv+http://_http._tcp.orders.test/base"
    config["upstreams"] = {"orders": {"servers": [{"url": url}], "nameservers": [dns.address]}}
    config["routes"] = [{"path": "/orders", "upstream": "orders", "auth": "none"}]
    running = Running(config, tmp_path)
    running.await_ready()
    yield running
    running.stop()


async def asked(client: RawClient) -> bytes:
    reply = await client.ask(request("/orders/7"))
    return reply.content if reply.status == 200 else b"%d" % reply.status


async def test_weights_priorities_and_changes_are_followed(
    gateway: Running, servers: list[RawUpstream], dns: NameServer
) -> None:
    client = await gateway.connect()
    answers = [await asked(client) for _ in range(20)]
    assert (answers.count(b"0"), answers.count(b"1")) == (15, 5)
    assert (await servers[0].next()).target == "/base/7"
    dns.records[NAME] = [(20, 1, servers[2].port, "localhost.")]
    deadline = time.monotonic() + 20
    while await asked(client) != b"2":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    dns.down = True
    questions = dns.questions
    while dns.questions == questions:
        assert time.monotonic() < deadline + 20
        await asyncio.sleep(0.05)
    assert await asked(client) == b"2", "the last known server"
    await client.close()
