"""One gateway with the fast path and one without; each test listens at their upstream's port itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.config.server import ServerSettings
from gateway.config.upstreams import UpstreamConfig
from tests.conftest import Valkey
from tests.ports import free_port
from tests.raw import RawUpstream, raw_upstream
from tests.running import Running

WAYS = ["fast_path", "aiohttp"] if "fast_lane" in ServerSettings.model_fields else ["aiohttp"]


def exact_config(port: int, store_url: str, *, fast_path: bool, **server: Any) -> dict[str, Any]:
    """Everything goes to one upstream, which may die as often as it likes without being given a rest."""
    to = {"upstream": "backend", "strip_prefix": False}
    if "fast_lane" in ServerSettings.model_fields:
        server["fast_lane"] = fast_path
    patience = {"breaker": {"failures": 1000}} if "breaker" in UpstreamConfig.model_fields else {}
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}],
            "public_url": "https://gateway.example",
            "timeouts": {"drain": "3s"},
            **server,
        },
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"url": store_url, "prefix": f"exact-{fast_path}:"},
        "tokens": {"key": "k" * 32},
        "clients": [{"id": "demo", "secrets": ["demo-secret"], "scopes": ["read"]}],
        "upstreams": {
            "backend": {
                "servers": [{"url": f"http://127.0.0.1:{port}"}],
                "timeouts": {"connect": "2s", "response": "5s", "idle": "5s"},
                **patience,
            },
        },
        "routes": [
            {"path": "/open", "auth": "none", **to},
            {"path": "/traced", "auth": "none", "methods": ["TRACE"], **to},
            {"path": "/read", "scopes": ["read"], **to},
        ],
        "plugins": [{"use": "request_id"}],
    }


@dataclass(frozen=True, slots=True)
class Pair:
    """A gateway, and the port at which it looks for its upstream."""

    gateway: Running
    upstream_port: int

    @property
    def gateway_port(self) -> int:
        return int(self.gateway.http.rpartition(":")[2])


@pytest.fixture(scope="module", params=WAYS)
def pair(
    request: pytest.FixtureRequest, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    port = free_port()
    config = exact_config(port, valkey.url, fast_path=request.param == "fast_path")
    running = Running(config, tmp_path_factory.mktemp("exact"))
    running.await_ready()
    yield Pair(running, port)
    running.stop()


@pytest.fixture
def upstream() -> Iterator[RawUpstream]:
    """An upstream of the test's own."""
    with raw_upstream() as made:
        yield made
