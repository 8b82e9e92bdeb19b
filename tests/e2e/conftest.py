"""The real program with a configuration of the test's own, a raw client in front and a raw upstream behind.

async def test_something(gateway, upstream):
    running = gateway(configuration(upstream.url))
    async with await running.connect() as connection:
        answer = await connection.ask(b"GET /orders HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    assert (await upstream.next()).target == "/orders"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import Valkey
from tests.raw import RawUpstream, raw_upstream
from tests.running import Running

CLIENT, SECRET = "demo", "demo-secret"

StartGateway = Callable[..., Running]


def configuration(upstream: str, **sections: Any) -> dict[str, Any]:
    """A small configuration on free ports: `/orders` for tokens with `orders.read`, `/open` for all.

    `sections` are merged into it, key by key; a list replaces a list. The store is the embedded one
    unless `store` says otherwise; the gateway's folder is its working directory.
    """
    return merged(
        {
            "server": {
                "listen": [{"host": "127.0.0.1", "port": 0}],
                "timeouts": {"drain": 5},
            },
            "management": {"host": "127.0.0.1", "port": 0},
            "clients": [
                {"id": CLIENT, "secrets": [SECRET], "scopes": ["orders.read", "orders.write", "test"]}
            ],
            "upstreams": {"backend": {"servers": [{"url": upstream}]}},
            "routes": [
                {"path": "/orders", "upstream": "backend", "strip_prefix": False, "scopes": ["orders.read"]},
                {"path": "/open", "upstream": "backend", "strip_prefix": False, "auth": "none"},
            ],
            "logging": {"level": "warning", "format": "text", "access": False},
        },
        sections,
    )


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes`; mappings are merged, everything else is replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return result


@pytest.fixture
def upstream() -> Iterator[RawUpstream]:
    """An upstream that answers `hello` until the test says otherwise."""
    with raw_upstream() as made:
        yield made


@pytest.fixture
def gateway(tmp_path: Path, valkey: Valkey, prefix: str) -> Iterator[StartGateway]:
    """Starts gateways and waits until they serve. Each that still runs in the end must stop well.

    `store`: `embedded`; by default the suite's own Valkey, which is faster, with keys of this test only.
    """
    started: list[Running] = []

    def start(
        config: dict[str, Any] | str,
        *arguments: str,
        workers: int = 1,
        ready: bool = True,
        **environment: str,
    ) -> Running:
        folder = tmp_path / f"gateway-{len(started)}"
        folder.mkdir()
        if isinstance(config, dict):
            shared = {"store": {"url": valkey.url, "prefix": prefix}}
            config = merged(merged(shared, {"server": {"workers": workers}}), config)
        running = Running(config, folder, *arguments, **environment)
        started.append(running)
        if ready:
            running.await_ready()
        return running

    yield start
    failures = [failure for running in started if (failure := running.stopped_badly())]
    assert not failures, "\n".join(failures)


async def token(running: Running, **form: str) -> dict[str, Any]:
    """What the token endpoint answers to the client of `configuration`."""
    login = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET)}
    form = {"grant_type": "client_credentials", **form}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{running.http}/token", data=form) as response,
    ):
        answer: dict[str, Any] = await response.json()
        assert response.status == 200, answer
        return answer
