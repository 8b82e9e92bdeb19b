"""The real Envoy with what `gatepost export envoy` prints, before a real gateway."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.differences import route_id
from tests.commands.conftest import gatepost
from tests.config.example import settings
from tests.conftest import Valkey
from tests.e2e.conftest import configuration
from tests.exactness.peers import await_port
from tests.exactness.programs import program
from tests.raw import LIMIT, RawClient, RawUpstream, raw_upstream
from tests.running import Running
from tests.topologies import free_port
from tests.web_gateway import ask_for_token
from tests.web_gateway import request as message

OPEN = {"path": "/open", "upstream": "open", "auth": "none", "strip_prefix": False}


@dataclass(frozen=True)
class Edge:
    """Envoy before a gateway, which has two backends."""

    port: int
    gateway: Running
    orders: RawUpstream
    open: RawUpstream


def config(orders: RawUpstream, other: RawUpstream, store: dict[str, str]) -> dict[str, Any]:
    limit = {"use": "rate_limit", "with": {"limit": 3, "per": "1h", "by": "address"}}
    breaker = {
        "servers": [{"url": "http://127.0.0.1:1"}, {"url": orders.url}],
        "retries": {"attempts": 2, "on": ["connect"]},
    }
    return configuration(
        orders.url,
        server={"trusted_proxies": ["127.0.0.1"]},
        store=store,
        tokens={"key": "k" * 32},
        clients=[{"id": "shop", "secrets": ["shop-secret"], "scopes": ["orders.read"]}],
        upstreams={
            "orders": {"servers": [{"url": orders.url + "/base"}]},
            "open": {"servers": [{"url": other.url}]},
            "flaky": breaker,
        },
        routes=[
            {
                "path": "/orders",
                "upstream": "orders",
                "scopes": ["orders.read"],
                "rewrite_answers": False,
                "methods": ["GET"],
            },
            {"path": "/orders/admin", "upstream": "orders", "scopes": ["admin"], "strip_prefix": False},
            OPEN,
            {
                "path": "/limited",
                "upstream": "open",
                "auth": "none",
                "strip_prefix": False,
                "plugins": [limit],
            },
            {"path": "/proxied", "upstream": "orders", "auth": "none", "plugins": [limit]},
            {"path": "/flaky", "upstream": "flaky", "auth": "none", "strip_prefix": False},
        ],
        plugins=[{"use": "request_id"}],
    )


@pytest.fixture(scope="module")
def edge(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    binary, folder = program("envoy"), tmp_path_factory.mktemp("edge")
    with raw_upstream() as orders, raw_upstream() as other, valkey.client as client:
        client.delete(*client.keys("export-envoy:*") or ["export-envoy:none"])
        found = config(orders, other, {"url": valkey.url, "prefix": "export-envoy:"})
        running = Running(found, folder)
        running.await_ready()
        port = free_port()
        found["server"]["listen"] = [{"host": "127.0.0.1", "port": port}]
        file = folder / "edge.yaml"
        file.write_text(yaml.safe_dump(found))
        with envoy(binary, file, running, port):
            yield Edge(port, running, orders, other)
        running.stop()


class envoy:  # noqa: N801 (a context manager)
    """Envoy with the export of a file."""

    def __init__(self, binary: str, file: Path, gateway: Running, port: int) -> None:
        result = gatepost("export", "envoy", "-c", str(file), "--gateway", gateway.http)
        assert result.exit_code == 0, result.stderr
        exported = file.with_name("envoy.yaml")
        exported.write_text(result.stdout)
        options = ["--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
        self.log = file.with_name("log").open("wb")
        self.process = subprocess.Popen([binary, "-c", exported, *options], stdout=self.log, stderr=self.log)
        await_port(port, self.process)

    def __enter__(self) -> None:
        """It listens already."""

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(LIMIT)
        self.log.close()


@pytest.fixture
async def caller(edge: Edge) -> AsyncIterator[RawClient]:
    edge.orders.reset()
    edge.open.reset()
    async with await RawClient.connect("127.0.0.1", edge.port) as connected:
        yield connected


@pytest.fixture
async def token(caller: RawClient) -> str:
    """Asked for through Envoy: the gateway's endpoints are reached."""
    answer = await ask_for_token(caller, "scope=orders.read", "shop:shop-secret")
    return str(json.loads(answer.content)["access_token"])


async def test_a_request_goes_upstream_as_the_gateway_would_send_it(
    edge: Edge, caller: RawClient, token: str
) -> None:
    bearer = f"Authorization: Bearer {token}"
    for path in ("/orders/7%2Fa?x=%2F", "/%6Frders/7%2Fa?x=%2F"):
        edge.orders.reset()
        answer = await caller.ask(message(path, bearer, "X-Client-Id: root", "X_Client_Id: root"))
        assert answer.status == 200
        seen = await edge.orders.next()
        assert seen.target == "/base/7%2Fa?x=%2F"
        assert (seen.all("X-Client-Id"), seen.header("X-Forwarded-Prefix")) == (["shop"], "/orders")
        assert (seen.header("Authorization"), seen.header("X-Forwarded-Host")) == (None, "api.example.org")
        assert seen.header("X-Request-Id") == answer.header("X-Request-Id")
        assert "root" not in [value for _, value in seen.headers]
        assert seen.header("X-Gatepost-Route") is None
    edge.orders.reset()
    assert (await caller.ask(message("/orders?x", bearer))).status == 200
    assert (await edge.orders.next()).target == "/base/?x"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/orders/admin/7", 403, "900910"),
        ("GET", "/orders/%61dmin/7", 403, "900910"),
        ("POST", "/orders", 405, "405"),
        ("GET", "/nothing", 404, "404"),
        ("GET", "/Orders", 400, "400"),
        ("GET", "/open/..%2forders", 400, "400"),
    ],
)
async def test_a_refusal_is_the_gateways(
    edge: Edge, caller: RawClient, token: str, method: str, path: str, status: int, code: str
) -> None:
    answer = await caller.ask(message(path, f"Authorization: Bearer {token}", method=method))
    assert (answer.status, json.loads(answer.content)["code"]) == (status, code)
    assert not edge.orders.requests
    assert not edge.open.requests


async def test_a_challenge_reaches_the_caller(caller: RawClient) -> None:
    missing = await caller.ask(message("/orders"))
    assert (missing.status, missing.header("Content-Type")) == (401, "application/problem+json")
    assert 'realm="gatepost"' in (missing.header("WWW-Authenticate") or "")


async def test_no_caller_chooses_another_route_or_asks_the_gateway_itself(
    edge: Edge, caller: RawClient
) -> None:
    (open_route,) = settings("routes: [{path: /open, upstream: 'http://h'}]").routes
    chosen = f"X-Gatepost-Route: {route_id(open_route)}"
    assert (await caller.ask(message("/orders", chosen))).status == 401
    assert (await caller.ask(message("/open", chosen))).status == 200
    for path in ("/auth/verify", "/auth/verify/open", "/auth/verif%79/open", "/auth//verify/open"):
        described = ("X-Original-Method: GET", "X-Original-URL: /open")
        async with await RawClient.connect("127.0.0.1", edge.port) as other:
            assert (await other.ask(message(path, *described))).status in (400, 404), path
    assert not edge.orders.requests
    assert len(edge.open.requests) == 1


@pytest.mark.parametrize("path", ["/limited", "/proxied"])
async def test_each_request_counts_once_whoever_proxies_it(
    caller: RawClient, path: str, valkey: Valkey
) -> None:
    statuses = [(await caller.ask(message(path))).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_a_server_that_is_away_is_passed_over(caller: RawClient) -> None:
    assert [(await caller.ask(message("/flaky"))).status for _ in range(4)] == [200] * 4
