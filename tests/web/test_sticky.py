"""Sticky sessions, from outside: two real servers, and one that goes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import request, web_config


@pytest.fixture
def other_server() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    upstream_server: RawUpstream,
    other_server: RawUpstream,
    valkey: Valkey,
    tmp_path: Path,
) -> Iterator[Running]:
    config = web_config(upstream_server, valkey.url, "sticky:", fast_lane=request.param)
    config["upstreams"] = {
        "shop": {
            "servers": [{"url": upstream_server.url}, {"url": other_server.url}],
            "sticky": {"cookie": "shop_server"},
        }
    }
    config["routes"] = [{"path": "/shop", "upstream": "shop", "auth": "none"}]
    running = Running(config, tmp_path)
    running.await_ready()
    yield running
    running.stop()


async def asked(client: RawClient, cookie: str | None) -> str | None:
    """Asks with a cookie, and returns the one that the response sets."""
    headers = () if cookie is None else (f"Cookie: theme=dark; {cookie}",)
    reply = await client.ask(request("/shop/x", *headers))
    assert reply.status == 200
    set_cookie = reply.header("Set-Cookie")
    return None if set_cookie is None else set_cookie.partition(";")[0]


async def test_sticky_clients_stay_with_their_server_until_it_is_gone(
    gateway: Running, upstream: RawUpstream, other_server: RawUpstream
) -> None:
    client = await gateway.connect()
    first, second = await asked(client, None), await asked(client, None)
    assert first is not None
    assert second is not None
    assert first != second, "round robin"
    counts = [len(server.requests) for server in (upstream, other_server)]
    for _ in range(6):
        assert await asked(client, first) is None
    after = [len(server.requests) for server in (upstream, other_server)]
    assert sorted(now - before for now, before in zip(after, counts, strict=True)) == [0, 6]
    assert await asked(client, "shop_server=forged") in (first, second)
    other_server.reset(says(answer(status="503 Service Unavailable")))
    answers = [await asked(client, cookie) for cookie in (first, second)]
    moved = [cookie for cookie in answers if cookie is not None]
    assert len(moved) == 1, "the client of the failing server has another one now"
    assert await asked(client, moved[0]) is None
    await client.close()
