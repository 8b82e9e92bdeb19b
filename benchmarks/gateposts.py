"""The Gateposts that are measured: the plain one, and those that differ from it in one thing."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import LOAD_CORE
from benchmarks.names import (
    AIOHTTP_ONLY,
    ALL_PLUGINS,
    COMPILED,
    COMPILED_ON_REDIS,
    GATEPOST,
    JWT,
    MANY_ROUTES,
    ON_REDIS,
    SLOW_PATHS,
    TEN_ROUTES,
    TWO_WORKERS,
)
from benchmarks.peers.gatepost import DEMO, Gatepost, routes, server_at
from benchmarks.signed import AUDIENCE, CLIENT, ISSUER, Signer

USUAL_PLUGINS: list[dict[str, Any]] = [
    {"use": "request_id"},
    {"use": "ip_filter", "with": {"allow": ["127.0.0.0/24"]}},
    {"use": "cors", "with": {"origins": ["https://app.example.org"]}},
    {"use": "body_limit", "with": {"max": "1m"}},
    {"use": "rate_limit", "with": {"limit": 6_000_000, "per": "1m", "by": "client"}},
    {"use": "timeout", "with": {"response": "10s"}},
    {"use": "headers", "with": {
        "request": {"remove": ["X-Debug"]},
        "response": {"add": {"Strict-Transport-Security": "max-age=31536000"}},
    }},
]  # fmt: skip
COMPILED_PYTHON = Path(sys.prefix) / "compiled" / "venv" / "bin" / "python"
"""That of the environment in which `scripts/test-compiled` installs the compiled edition."""
BOTH_CORES = frozenset({0, LOAD_CORE})
CHANGES: dict[str, dict[str, Any]] = {
    TEN_ROUTES: {"routes": routes(*(f"/r{number}" for number in range(10)))},
    MANY_ROUTES: {"routes": routes(*(f"/r{number}" for number in range(10_000)))},
    TWO_WORKERS: {"server": {"workers": 2}, "cores": BOTH_CORES},
    JWT: {"tokens": {"format": "jwt"}},
    AIOHTTP_ONLY: {"server": {"fast_lane": False}},
    ALL_PLUGINS: {"plugins": USUAL_PLUGINS},
}
EDITION = {"python": str(COMPILED_PYTHON)}
COMPILED_AS = {COMPILED: GATEPOST, COMPILED_ON_REDIS: ON_REDIS}
"""Those of the compiled edition, and whom each is like otherwise."""
DATABASES = {ON_REDIS: 0, COMPILED_ON_REDIS: 2}
"""Of the Redis apart; the load has 1."""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands beside a Gatepost: ports, and the key of a client and of another issuer."""

    upstream: int
    redis: int
    streams: int
    signer: Signer


def gatepost(name: str, folder: Path, around: Around) -> Gatepost:
    """The one of this name."""
    changes = _changes(COMPILED_AS.get(name, name), folder, around)
    if name in COMPILED_AS:
        changes = changes | EDITION
    if name in DATABASES:
        changes = changes | {"store": {"url": f"redis://127.0.0.1:{around.redis}/{DATABASES[name]}"}}
    return Gatepost(folder, around.upstream, name=name, **changes)


def _changes(name: str, folder: Path, around: Around) -> dict[str, Any]:
    if name in {GATEPOST, ON_REDIS, SLOW_PATHS}:
        found: dict[str, Any] = {
            "clients": [
                DEMO,
                {"id": CLIENT, "jwks": {"keys": [around.signer.public]}, "scopes": ["orders.read"]},
            ],
            "upstreams": {
                "backend": server_at(around.upstream),
                "streams": {**server_at(around.streams), "max_connections": 4096},
            },
            "routes": [*routes("/"), *routes("/streams", upstream="streams")],
        }
        return found | (_slow_paths(folder, around, found["routes"]) if name == SLOW_PATHS else {})
    return CHANGES[name]


def _slow_paths(folder: Path, around: Around, others: list[dict[str, Any]]) -> dict[str, Any]:
    keys = folder / "issuer.jwks.json"
    keys.write_text(json.dumps({"keys": [around.signer.public]}))
    hook = {"use": "benchmarks.peers.async_hook:AsyncHook"}
    return {
        "issuers": {"partner": {"issuer": ISSUER, "jwks_file": str(keys), "audiences": [AUDIENCE]}},
        "routes": [*others, *routes("/hook", plugins=[hook]), *routes("/foreign", issuers=["partner"])],
    }
