"""One real gateway in front of one raw upstream, for all tests of this room."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, raw_upstream
from tests.running import Running

HOST = "Host: api.example.org\r\n"


def web_config(
    upstream: RawUpstream, store_url: str, prefix: str, *, fast_lane: bool = True
) -> dict[str, Any]:
    """Routes of every kind, all to one upstream."""
    to = {"upstream": "backend", "strip_prefix": False}
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}],
            "public_url": "https://gateway.example",
            "max_body": "1m",
            "fast_lane": fast_lane,
            "timeouts": {"header": "1s", "body": "1s", "idle": "20s", "drain": "5s"},
        },
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"url": store_url, "prefix": prefix},
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
                "timeouts": {"connect": "1s", "response": "1s", "idle": "1s"},
            },
            # One for each test that asks: after some failures the breaker of an upstream opens.
            **{name: {"servers": [{"url": "http://127.0.0.1:1"}]} for name in ("away", "gone", "lost")},
        },
        "routes": [
            {"path": "/open", "auth": "none", **to},
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
    """A gateway with a store of its own, which is waited for until `timeout`."""
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
    """Nothing has come yet, and whatever comes is answered with 200."""
    upstream_server.reset()
    return upstream_server


@pytest.fixture(scope="session", params=[True, False], ids=["lane", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    upstream_server: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """Every test runs with the fast lane and without it, and must see the same."""
    folder: Path = tmp_path_factory.mktemp("web")
    config = web_config(upstream_server, valkey.url, "test-web:", fast_lane=request.param)
    with valkey.client as client:
        client.delete(*client.keys("test-web:*") or ["test-web:none"])
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
async def client(gateway: Running, upstream: RawUpstream) -> AsyncIterator[RawClient]:
    """A connection of its own for a test."""
    connected = await gateway.connect()
    yield connected
    await connected.close()


def request(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request as bytes; Content-Length where there is a body."""
    lines = [f"{method} {target} HTTP/1.1", "Host: api.example.org", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask_for_token(client: RawClient, form: str = "", who: str = "demo:demo-secret") -> RawMessage:
    """Asks the token endpoint."""
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
    """Trusts the certificate that the gateway made for itself, and no other."""
    return ssl.create_default_context(cafile=gateway.file.parent / ".gatepost" / "certificate.pem")


def problem(answer: RawMessage) -> dict[str, Any]:
    """The problem+json of an answer, with what every one of them must have."""
    assert answer.header("Content-Type") == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.content)
    assert found["status"] == answer.status
    assert {"title", "detail", "code", "request_id"} <= found.keys()
    return found
