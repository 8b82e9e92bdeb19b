"""A server's name has several addresses: a gateway in this process, with a resolver of the test's own."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from aiohttp import web

from gateway.app import Gateway
from gateway.config.load import load_text
from gateway.plugin.catalog import PluginCatalog
from gateway.telemetry import Telemetry
from tests.conftest import Valkey
from tests.e2e.upstreams.stage import request
from tests.raw import RawClient, answer, raw_upstream, says

CLOSING = says(answer("200 OK", b"hello", "Connection: close"))
"""So that each request needs a new connection."""


async def two_addresses(host: str, _: int) -> list[str]:
    assert host == "orders.internal"
    return ["127.0.0.1", "127.0.0.2"]


@asynccontextmanager
async def serving(port: int, store: str, folder: Path) -> AsyncIterator[int]:
    """The port of a gateway in front of `orders.internal`."""
    text = yaml.safe_dump(
        {
            "server": {"state_dir": str(folder), "timeouts": {"drain": 1}},
            "store": {"url": store, "prefix": "test-names:"},
            "tokens": {"key": "k" * 32},
            "routes": [{"path": "/", "upstream": f"http://orders.internal:{port}", "auth": "none"}],
        }
    )
    settings = load_text(text, {}, PluginCatalog())
    gateway = Gateway(settings, store_url=store, telemetry=Telemetry(), lookup=two_addresses)
    await gateway.start()
    listening = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(gateway.runner, listening).start()
    try:
        yield listening.getsockname()[1]
    finally:
        await gateway.stop()


async def statuses(port: int, number: int) -> list[int]:
    async with await RawClient.connect("127.0.0.1", port) as client:
        return [(await client.ask(request("/"))).status for _ in range(number)]


async def test_all_addresses_are_used_and_one_that_is_dead_does_no_harm(
    valkey: Valkey, tmp_path: Path
) -> None:
    with raw_upstream() as first:
        first.reset(CLOSING)
        async with serving(first.port, valkey.url, tmp_path) as port:
            with raw_upstream(socket.create_server(("127.0.0.2", first.port))) as second:
                second.reset(CLOSING)
                assert await statuses(port, 6) == [200] * 6
                assert (len(first.requests), len(second.requests)) == (3, 3)
            assert await statuses(port, 6) == [200] * 6
            assert len(first.requests) == 9
