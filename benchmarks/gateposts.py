"""The Gateposts that are measured: the plain one, and those that differ from it in one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.load import LOAD_CORE
from benchmarks.names import (
    AIOHTTP_ONLY,
    ALL_PLUGINS,
    GATEPOST,
    JWT,
    MANY_ROUTES,
    ON_REDIS,
    TEN_ROUTES,
    TWO_WORKERS,
)
from benchmarks.peers.gatepost import Gatepost, routes

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
BOTH_CORES = frozenset({0, LOAD_CORE})
CHANGES: dict[str, dict[str, Any]] = {
    GATEPOST: {},
    TEN_ROUTES: {"routes": routes(*(f"/r{number}" for number in range(10)))},
    MANY_ROUTES: {"routes": routes(*(f"/r{number}" for number in range(10_000)))},
    TWO_WORKERS: {"server": {"workers": 2}, "cores": BOTH_CORES},
    JWT: {"tokens": {"format": "jwt"}},
    AIOHTTP_ONLY: {"server": {"fast_lane": False}},
    ALL_PLUGINS: {"plugins": USUAL_PLUGINS},
}


def gatepost(name: str, folder: Path, upstream: int, redis: int) -> Gatepost:
    """The one of this name."""
    changes = {"store": {"url": f"redis://127.0.0.1:{redis}/0"}} if name == ON_REDIS else CHANGES[name]
    return Gatepost(folder, upstream, name=name, **changes)
