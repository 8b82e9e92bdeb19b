"""Gatepost, with request ids, identity headers, metrics and the access log on."""

from __future__ import annotations

import base64
import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.contender import Contender, free_port

CLIENT = base64.b64encode(b"demo:demo-secret").decode()


class Gatepost(Contender):
    """Gatepost."""

    name = "Gatepost"

    def __init__(self, folder: Path, upstream: int, *, name: str = "Gatepost", **changes: Any) -> None:
        self.name = name
        workers = changes.pop("workers", 1)
        super().__init__(folder, cores="0" if workers == 1 else "0,1")
        self.tls_port = free_port()
        self._config = {
            "server": {
                "listen": [
                    {"host": "127.0.0.1", "port": self.port},
                    {"host": "127.0.0.1", "port": self.tls_port, "tls": "auto"},
                ],
                "public_url": f"http://127.0.0.1:{self.port}",
                "workers": workers,
                # All of the load comes from one address.
                "max_connections_per_address": 10_000,
            },
            "management": {"host": "127.0.0.1", "port": free_port()},
            "clients": [{"id": "demo", "secrets": ["demo-secret"], "scopes": ["orders.read"]}],
            "upstreams": {"backend": {"servers": [{"url": f"http://127.0.0.1:{upstream}"}]}},
            "routes": [
                {"path": "/", "upstream": "backend", "scopes": ["orders.read"], "strip_prefix": False}
            ],
            "plugins": [{"use": "request_id"}],
            **changes,
        }

    def set_server(self, **changes: Any) -> None:
        """Changes keys of `server`."""
        self._config["server"] |= changes

    def command(self) -> Sequence[str]:
        config = self.folder / "gateway.yaml"
        config.write_text(yaml.safe_dump(self._config))
        return [sys.executable, "-m", "gateway", "run", "-c", str(config)]

    @property
    def pids(self) -> list[int]:
        """The workers and their supervisor; not the store, which is a server of its own everywhere."""
        return [pid for pid in super().pids if b"valkey" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def token(self, form: str = "") -> str:
        """A token for the route."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/token",
            data=f"grant_type=client_credentials&scope=orders.read{form}".encode(),
            headers={"Authorization": f"Basic {CLIENT}"},
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["access_token"])
