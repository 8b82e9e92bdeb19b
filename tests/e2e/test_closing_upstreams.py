"""Upstreams that close their connections without saying so, and why a response was 502.

`python -m benchmarks.closing_upstreams` compares the same with nginx, HAProxy, Envoy, Caddy and Traefik.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import aiohttp
import pytest

from benchmarks.closing_upstreams import UPSTREAMS, Load, run_load, serving
from tests.raw import Conversation, RawMessage, raw_upstream, says
from tests.running import Running


def refusing_port() -> socket.socket:
    """Bound, so that nobody else gets the port, and not listening."""
    refusing = socket.socket()
    refusing.bind(("127.0.0.1", 0))
    return refusing


async def closes(_: RawMessage, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> bool:
    return False


async def resets(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.transport.abort()
    return False


async def truncates(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    return False


FAILURES: dict[str, Conversation] = {
    "closes": closes,
    "resets": resets,
    "nonsense": says(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "truncated": truncates,
}
KINDS = {"fast path, 1 worker": (True, 1), "aiohttp, 2 workers": (False, 2)}


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with a route for each of the upstreams."""
    fast, workers = request.param
    with ExitStack() as started:
        urls = {}
        for name, closing_upstream in UPSTREAMS.items():
            urls[name.replace(" ", "-")] = started.enter_context(serving(closing_upstream))
        for name, conversation in FAILURES.items():
            upstream = started.enter_context(raw_upstream())
            upstream.conversation = conversation
            urls[name] = upstream.port
        urls["refuses"] = started.enter_context(closing(refusing_port())).getsockname()[1]
        config = {
            "server": {
                "listen": [{"host": "127.0.0.1", "port": 0}],
                "fast_lane": fast,
                "workers": workers,
                "max_connections_per_address": 1000,
            },
            "management": {"host": "127.0.0.1", "port": 0},
            "upstreams": {
                name: {"servers": [{"url": f"http://127.0.0.1:{port}"}], "breaker": {"failures": 3}}
                for name, port in urls.items()
            },
            "routes": [{"path": f"/{name}", "upstream": name, "auth": "none"} for name in urls],
            "portal": {"enabled": False},
        }
        running = Running(config, tmp_path_factory.mktemp("closing"))
        started.callback(running.kill)
        running.await_ready()
        yield running


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
@pytest.mark.parametrize("upstream", [name.replace(" ", "-") for name in UPSTREAMS])
async def test_closing_upstreams_lose_no_request(gateway: Running, upstream: str, method: str) -> None:
    port = int(gateway.http.rpartition(":")[2])
    for clients in (8, 40):
        outcomes = await run_load(Load(method, clients, f"/{upstream}"), port, "none", seconds=0.2)
        assert set(outcomes) == {"200"}, outcomes
    assert await open_breakers(gateway, upstream) == 0


async def open_breakers(gateway: Running, upstream: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.management}/metrics") as response:
        text = await response.text()
    pattern = rf'^gatepost_upstream_breaker_open{{.*upstream="{upstream}"}} (\S+)$'
    values = re.findall(pattern, text, re.MULTILINE)
    assert values
    return sum(int(float(value)) for value in values)


@pytest.mark.parametrize(
    ("upstream", "cause"),
    [
        ("closes", "closed by upstream before a response"),
        ("resets", r"(connection lost \(.*reset.*\)|closed) by upstream before a response"),
        ("refuses", "connection refused: "),
        ("nonsense", "not HTTP: "),
        ("truncated", "closed by upstream before the response was complete"),
    ],
)
async def test_the_log_says_why_a_response_was_502(gateway: Running, upstream: str, cause: str) -> None:
    async with await gateway.connect() as client:
        response = await client.ask(
            f"POST /{upstream} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
        )
    assert response.status == 502
    request_id = json.loads(response.content)["request_id"]
    connection = "" if upstream == "refuses" else ", new connection"
    line = await gateway.line(f"upstream failure: request {request_id}")
    assert re.search(rf"upstream {upstream}, response is 502: {cause}", line)
    assert re.search(rf"\(server http://127\.0\.0\.1:\d+{connection}\)", line)
