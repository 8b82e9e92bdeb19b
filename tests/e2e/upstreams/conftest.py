"""One gateway with an upstream for each matter, all of them on the same few servers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.conftest import Valkey
from tests.e2e.upstreams.stage import Mortal, Stage
from tests.raw import RawUpstream, raw_upstream
from tests.running import Running

NO_BREAKER = {"breaker": None}


@dataclass
class Special:
    """Servers that are reached in another way than by plain TCP."""

    folder: Path
    stack: ExitStack
    names: list[str | None] = field(default_factory=list)
    """What was asked for by SNI."""

    def __post_init__(self) -> None:
        self.socket = self.folder / "s"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.socket))
        self.on_socket = self.stack.enter_context(raw_upstream(listening))
        self.ca = trustme.CA()
        self.ca.cert_pem.write_to_path(self.folder / "ca.pem")
        self.ca.issue_cert("gateway.internal").private_key_and_cert_chain_pem.write_to_path(
            self.folder / "own.pem"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("orders.internal").configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = self._named
        self.secure = self.stack.enter_context(raw_upstream(tls=context))

    def _named(self, _: object, name: str | None, __: object) -> None:
        self.names.append(name)


def upstreams(servers: Sequence[RawUpstream], mortal: Mortal, special: Special) -> dict[str, Any]:
    """Every upstream by its name, which is also the path of its route."""
    a, b, *asked = servers
    first, second = {"url": a.url}, {"url": b.url}
    third = {"url": f"http://127.0.0.1:{mortal.port}"}
    often = {"interval": "50ms", "timeout": "2s", "unhealthy_after": 1}
    tls = {"ca": str(special.folder / "ca.pem"), "server_name": "orders.internal"}
    https = [{"url": f"https://127.0.0.1:{special.secure.port}"}]
    return {
        "weighted": {"servers": [{"url": a.url, "weight": 3}, second]},
        "least": {"servers": [first, second], "balance": "least_requests"},
        "hashed": {
            "servers": [first, second, third],
            "balance": "hash",
            "hash_by": "header:X-Key",
            "health": often,
            "slow_start": 0,
            **NO_BREAKER,
        },
        "checked": {
            "servers": [{"url": server.url} for server in asked],
            "health": {"path": "/well", **often},
            "slow_start": 0,
        },
        "alone": {
            "servers": [third],
            "retries": {"attempts": 0},
            "breaker": {"failures": 2, "open_for": "1s"},
        },
        "pair": {"servers": [third, second], "breaker": {"failures": 2, "open_for": "1h"}},
        "burst": {
            "servers": [third, second],
            "retries": {"attempts": 1, "on": ["connect", "reset"]},
            "breaker": {"failures": 2, "open_for": "1h"},
        },
        "reset": {"servers": [first], "retries": {"attempts": 1, "on": ["connect", "reset"]}, **NO_BREAKER},
        "outage": {
            "servers": [first, second],
            "retries": {"attempts": 5, "on": ["reset", "502", "503", "504"]},
            **NO_BREAKER,
        },
        "slow": {
            "servers": [first, third],
            "breaker": {"failures": 1, "open_for": "50ms"},
            "slow_start": "1h",
        },
        "queue": {"servers": [first], "max_connections": 1, "max_queue": 1, "queue_timeout": "1s"},
        "sick": {"servers": [first], "timeouts": {"response": "200ms"}, **NO_BREAKER},
        "named": {"servers": [first], "host_header": "inner.example:81"},
        "old": {"servers": [{"url": f"{a.url}/v1"}]},
        "new": {"servers": [{"url": f"{b.url}/v2"}]},
        "socket": {"servers": [{"url": f"unix:{special.socket}"}]},
        "secure": {"servers": https, "tls": {**tls, "certificate": str(special.folder / "own.pem")}},
        "unknown": {"servers": https, "tls": tls, **NO_BREAKER},
        "misnamed": {"servers": https, "tls": {**tls, "server_name": "other.internal"}, **NO_BREAKER},
        "untrusted": {"servers": https, **NO_BREAKER},
    }


def settings(made: dict[str, Any], store: str) -> dict[str, Any]:
    """Each upstream at its name; `old` with a canary, at `/old` for half of the callers."""
    routes: list[dict[str, Any]] = [{"path": f"/{name}", "upstream": name, "auth": "none"} for name in made]
    (old,) = (route for route in routes if route["path"] == "/old")
    old["canary"] = {"upstream": "new", "percent": 50, "header": "X-Canary"}
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}],
            "trusted_proxies": ["127.0.0.1"],
            "timeouts": {"drain": "1s"},
        },
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"url": store, "prefix": "test-upstreams:"},
        "tokens": {"key": "k" * 32},
        "upstreams": made,
        "routes": routes,
        "logging": {"level": "warning", "format": "text", "access": False},
    }


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Special]:
    with ExitStack() as stack:
        yield Special(tmp_path_factory.mktemp("u"), stack)


@pytest.fixture(scope="module")
def whole_stage(
    special: Special, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with ExitStack() as stack:
        servers = [stack.enter_context(raw_upstream()) for _ in range(4)]
        mortal = Mortal()
        made = upstreams(servers, mortal, special)
        running = Running(settings(made, valkey.url), tmp_path_factory.mktemp("upstreams"))
        running.await_ready()
        yield Stage(running, *servers[:2], mortal, *servers[2:])
        running.stop()
        mortal.end()


@pytest.fixture
async def stage(whole_stage: Stage) -> AsyncIterator[Stage]:
    whole_stage.reset()
    yield whole_stage
    await whole_stage.close()
