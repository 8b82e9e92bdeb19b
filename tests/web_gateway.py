"""Fixtures: a real gateway in front of a raw upstream."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, raw_upstream
from tests.running import Running

HASTE = "300ms"
SHORT_REST = "1s"
"""How long a hasty gateway waits for a next request, and for the rest of a body that it has refused."""
HOST = "Host: api.example.org\r\n"


def web_config(
    upstream: RawUpstream, store_url: str, prefix: str, *, fast_lane: bool = True
) -> dict[str, Any]:
    """A configuration with all kinds of routes to one upstream."""
    to = {"upstream": "backend", "strip_prefix": False}
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}],
            "public_url": "https://gateway.example",
            "max_body": "1m",
            "fast_lane": fast_lane,
            "timeouts": {"header": "3s", "body": "3s", "idle": "20s", "drain": "5s"},
        },
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"url": store_url, "prefix": prefix},
        "tokens": {"key": "k" * 32},
        "clients": [
            {"id": "demo", "secrets": ["demo-secret"], "scopes": ["read", "write"]},
            {
                "id": "other",
                "secrets": ["other-secret"],
                "scopes": ["read"],
                "audiences": ["https://a.example"],
            },
        ],
        "upstreams": {
            "backend": {
                "servers": [{"url": upstream.url}],
                "timeouts": {"connect": "3s", "response": "3s", "idle": "3s"},
            },
            # One for each test that asks: after some failures the breaker of an upstream opens.
            **{name: {"servers": [{"url": "http://127.0.0.1:1"}]} for name in ("away", "gone", "lost")},
        },
        "routes": [
            {"path": "/open", "auth": "none", **to},
            {"path": "/held-back", "auth": "none", "forward_token": False, **to},
            {"path": "/override", "auth": "none", "allow_headers": ["X-HTTP-Method-Override"], **to},
            {"path": "/read", "methods": ["GET", "HEAD", "POST"], "scopes": ["read"], **to},
            {"path": "/write", "scopes": ["read", "write"], **to},
            {"path": "/audience", "audience": "https://a.example", **to},
            {"path": "/token-too", "forward_token": True, **to},
            {"path": "/strip/me", "auth": "none", "upstream": "backend"},
            {"path": "/ends", "end_with_token": True, **to},
            *({"path": f"/{name}", "auth": "none", "upstream": name} for name in ("away", "gone", "lost")),
        ],
        "plugins": [{"use": "request_id"}],
    }


def with_a_store_to_freeze(
    upstream: RawUpstream, store: Valkey, folder: Path, *, timeout: str, fast_lane: bool
) -> Iterator[Running]:
    """A gateway with its own store, whose command timeout is `timeout`."""
    config = web_config(upstream, store.url, "own:", fast_lane=fast_lane)
    config["store"]["timeout"] = timeout
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(upstream_server: RawUpstream) -> RawUpstream:
    """The upstream without recorded requests; it responds with 200."""
    upstream_server.reset()
    return upstream_server


@pytest.fixture(scope="module")
def gateways(
    upstream_server: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Running]]:
    """Starts the gateway with the fast path and the one without, when each is first asked for. They end with
    the file: a gateway that nobody asks takes more CPU time in half a minute than a start.
    """
    started: dict[tuple[bool, bool], Running] = {}

    def gateway(fast_lane: bool, *, hasty: bool = False) -> Running:
        kind = fast_lane, hasty
        if kind not in started:
            prefix = f"test-web-{uuid4().hex[:12]}:"
            config = web_config(upstream_server, valkey.url, prefix, fast_lane=fast_lane)
            if hasty:
                config["server"]["timeouts"] |= {"header": HASTE, "body": HASTE, "idle": SHORT_REST}
                config["upstreams"]["backend"]["timeouts"]["response"] = HASTE
            started[kind] = Running(config, tmp_path_factory.mktemp("web"))
            started[kind].await_ready()
        return started[kind]

    yield gateway
    for running in started.values():
        running.stop()


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(request: pytest.FixtureRequest, gateways: Callable[..., Running]) -> Running:
    """Every test runs with and without the fast path and must see the same behavior."""
    return gateways(request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def hasty_gateway(request: pytest.FixtureRequest, gateways: Callable[..., Running]) -> Running:
    """One that soon ends what does not go on: for tests that wait for that, and for nothing else."""
    return gateways(request.param, hasty=True)


@pytest.fixture
async def client(gateway: Running, upstream: RawUpstream) -> AsyncIterator[RawClient]:
    """A new client connection."""
    connected = await gateway.connect()
    yield connected
    await connected.close()


def request(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request as bytes, with Content-Length if it has a body."""
    lines = [f"{method} {target} HTTP/1.1", "Host: api.example.org", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask_for_token(client: RawClient, form: str = "", who: str = "demo:demo-secret") -> RawMessage:
    """Sends a token request."""
    basic = base64.b64encode(who.encode()).decode()
    body = f"grant_type=client_credentials&{form}".encode()
    headers = (f"Authorization: Basic {basic}", "Content-Type: application/x-www-form-urlencoded")
    return await client.ask(request("/token", *headers, method="POST", body=body))


@pytest.fixture
async def token(gateway: Running) -> str:
    """A token for the scopes `read` and `write`."""
    connected = await gateway.connect()
    answer = json.loads((await ask_for_token(connected, "scope=read+write")).content)
    await connected.close()
    return str(answer["access_token"])


def own_certificate(gateway: Running) -> ssl.SSLContext:
    """A TLS context that trusts only the gateway's `tls: auto` certificate."""
    return ssl.create_default_context(cafile=gateway.file.parent / ".gatepost" / "certificate.pem")


def problem(answer: RawMessage) -> dict[str, Any]:
    """The problem+json body of a response; checks its mandatory members."""
    assert answer.header("Content-Type") == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.content)
    assert found["status"] == answer.status
    assert {"title", "detail", "code", "request_id"} <= found.keys()
    return found
