"""A gateway with an edge that speaks HTTP/1.1, HTTP/2 and HTTP/3, shared by the tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import Valkey
from tests.e2e.conftest import configuration, gateway, merged, upstream
from tests.raw import RawUpstream, raw_upstream
from tests.running import Running

__all__ = ["gateway", "upstream"]

EDGE = {"host": "127.0.0.1", "port": 0, "tls": "auto", "http": [1, 2, 3]}
PLAIN = {"host": "127.0.0.1", "port": 0}
ROUTES = [
    {"path": "/orders", "upstream": "backend", "strip_prefix": False, "scopes": ["orders.read"]},
    {"path": "/open", "upstream": "backend", "strip_prefix": False, "auth": "none"},
    {"path": "/stripped", "upstream": "backend", "strip_prefix": True, "auth": "none"},
    {
        "path": "/limited",
        "upstream": "backend",
        "auth": "none",
        "plugins": [{"use": "rate_limit", "with": {"limit": 2, "per": "1h", "by": "address"}}],
    },
]
VERSIONS = pytest.mark.parametrize("version", [1, 2, 3], ids=["http1", "http2", "http3"])

Configure = Callable[..., dict[str, Any]]


def edge_configuration(backend: str, **sections: Any) -> dict[str, Any]:
    """A gateway with a plain listener and one at the edge."""
    own = {"server": {"listen": [PLAIN, EDGE]}, "routes": ROUTES, "logging": {"level": "info"}}
    return configuration(backend, **merged(own, sections))


def port_of(running: Running) -> int:
    """The port of its edge."""
    port = urlsplit(running.https).port
    assert port is not None
    return port


@dataclass
class EdgeStage:
    """A gateway with an edge, and the upstream behind it."""

    running: Running
    upstream: RawUpstream

    @property
    def port(self) -> int:
        return port_of(self.running)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[EdgeStage]:
    folder: Path = tmp_path_factory.mktemp("edge")
    store = {"url": valkey.url, "prefix": f"test-{uuid4().hex[:12]}:"}
    logging = {"access": True, "format": "json", "fields": ["protocol"]}
    with raw_upstream() as backend:
        running = Running(edge_configuration(backend.url, store=store, logging=logging), folder)
        running.await_ready()
        yield EdgeStage(running, backend)
        running.stop()


@pytest.fixture
def edge(shared: EdgeStage) -> EdgeStage:
    """The shared gateway, with an upstream that answers `hello`."""
    shared.upstream.reset()
    return shared
