"""The configurations of the measurements with very many tokens and clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

UPSTREAM = "upstream.sock"
"""The name of the upstream's socket, beside the configuration."""


def _config(folder: Path, store: str, **more: Any) -> dict[str, Any]:
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}],
            "public_url": "https://scale.example",
            "state_dir": str(folder / "state"),
        },
        "management": False,
        "logging": {"access": False},
        "store": {"url": store},
        "tokens": {"key": "k" * 32},
        "upstreams": {"orders": {"servers": [{"url": f"unix:{folder / UPSTREAM}"}]}},
        "routes": [{"path": "/orders", "upstream": "orders"}],
        **more,
    }


def store_config(folder: Path, store: str) -> Path:
    """All clients are in the store."""
    return _written(folder / "store.yaml", _config(folder, store))


def file_config(folder: Path, store: str) -> Path:
    """All clients are in `clients.yaml` beside it."""
    return _written(folder / "files.yaml", _config(folder, store, include=["clients.yaml"]))


def client_file(path: Path, count: int) -> None:
    """So many clients, as an operator would write them."""
    lines = (
        f"  - id: client-{number:06d}\n"
        f"    name: Application {number}\n"
        f'    secrets: ["sha256:{number:064x}"]\n'
        "    grants: [client_credentials]\n"
        "    scopes: [orders.read, orders.write]\n"
        "    lifetime: 10m\n"
        for number in range(count)
    )
    path.write_text("clients:\n" + "".join(lines))


def _written(path: Path, config: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(config))
    return path
