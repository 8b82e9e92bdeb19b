"""One gateway with a portal and a backend for all tests of the portal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Valkey
from tests.gateway_process import CHEAP_HASHES
from tests.portal.backend import serving
from tests.portal.reader import Reader
from tests.running import Running

ADMIN, PASSWORD = "admin", "a s3cret word"


@pytest.fixture(scope="session")
def backend() -> Iterator[str]:
    with serving() as url:
        yield url


def config(backend: str, store: str, **more: Any) -> dict[str, Any]:
    """A gateway.yaml with a portal."""
    return {
        "server": {
            "listen": [{"port": 0, "host": "127.0.0.1"}],
            "public_url": "http://127.0.0.1:1",
            "trusted_proxies": ["127.0.0.1/32"],
        },
        "management": False,
        "store": {"url": store, "prefix": f"portal-{uuid4().hex[:8]}:"},
        "upstreams": {"orders": {"servers": [{"url": backend}]}},
        "routes": [
            {"path": "/orders", "methods": ["GET"], "upstream": "orders", "scopes": ["orders.read"]},
            {"path": "/orders", "methods": ["POST"], "upstream": "orders", "scopes": ["orders.write"]},
            {
                "path": "/limited",
                "upstream": "orders",
                "plugins": [{"use": "rate_limit", "with": {"limit": 3, "per": "1h"}}],
            },
            {"path": "/status", "match": "exact", "upstream": "orders", "auth": "none"},
        ],
        "tiers": {"small": {"limit": 2, "per": "1h"}, "tiny": {"limit": 1, "per": "1h"}},
        "portal": {
            "sign_up": True,
            "tiers": ["small"],
            "users": [{"name": ADMIN, "password": PASSWORD, "admin": True}],
        },
        **more,
    }


@contextmanager
def starting(valkey: Valkey, backend: str) -> Iterator[Callable[..., Running]]:
    """Starts gateways with a portal; `more` are further sections of their gateway.yaml."""
    started: list[Running] = []
    with tempfile.TemporaryDirectory(prefix="gatepost-portal-") as folder:

        def begin(store: str = "", **more: Any) -> Running:
            place = Path(folder) / str(len(started))
            place.mkdir()
            running = Running(config(backend, store or valkey.url, **more), place, **CHEAP_HASHES)
            started.append(running)
            running.await_ready()
            return running

        yield begin
        for running in started:
            running.stop()


@pytest.fixture(scope="module")
def start(valkey: Valkey, backend: str) -> Iterator[Callable[..., Running]]:
    """Starts gateways that end with the file: dozens that nobody asks would take half a core."""
    with starting(valkey, backend) as begin:
        yield begin


@pytest.fixture(scope="session")
def gateway(valkey: Valkey, backend: str) -> Iterator[str]:
    """The URL of the gateway that all share."""
    with starting(valkey, backend) as begin:
        yield begin().http


@pytest.fixture
def reader(gateway: str) -> Reader:
    """A browser in which nobody is signed in."""
    return Reader(gateway)


@pytest.fixture
def admin(gateway: str) -> Reader:
    """A browser in which the administrator is signed in."""
    one = Reader(gateway)
    assert one.sign_in(ADMIN, PASSWORD).status == 200
    return one


@pytest.fixture
def developer(gateway: str) -> Reader:
    """A browser in which a new developer is signed in."""
    one = Reader(gateway)
    signed_up = one.open("/portal/sign-up").submit(
        "/sign-up", name=f"dev-{uuid4().hex[:10]}", password="correct horse", again="correct horse"
    )
    assert signed_up.status == 200, signed_up.words
    return one
