"""Gatepost, with request ids, identity headers, metrics and the access log on."""

from __future__ import annotations

import base64
import http.client
import json
import sys
import urllib.request
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import yaml

from benchmarks.contender import CORE, Contender, free_port
from benchmarks.store import Store


def basic(client: str) -> str:
    """The header by which a client authenticates that has the secret of `DEMO`."""
    return f"Authorization: Basic {base64.b64encode(f'{client}:demo-secret'.encode()).decode()}"


FORM = ("Content-Type: application/x-www-form-urlencoded", basic("demo"))
ASKING = "grant_type=client_credentials&scope=orders.read"
STATE = "state"
DEMO = {"id": "demo", "secrets": ["demo-secret"], "scopes": ["orders.read"]}


class Gatepost(Contender):
    """Gatepost, run by `python`. `changes` are sections of its configuration; `server` adds to the keys that
    stand here.
    """

    def __init__(
        self,
        folder: Path,
        upstream: int,
        *,
        name: str = "Gatepost",
        cores: Set[int] = CORE,
        python: str = sys.executable,
        **changes: Any,
    ) -> None:
        self.name, self._python = name, python
        super().__init__(folder, cores=cores)
        self.tls_port = free_port()
        server = {
            "listen": [
                {"host": "127.0.0.1", "port": self.port},
                {"host": "127.0.0.1", "port": self.tls_port, "tls": "auto"},
            ],
            "public_url": f"http://127.0.0.1:{self.port}",
            "state_dir": STATE,
            # All of the load comes from one address.
            "max_connections_per_address": 10_000,
        }
        self._config = {
            "management": {"host": "127.0.0.1", "port": free_port()},
            "clients": [DEMO],
            "upstreams": {"backend": server_at(upstream)},
            "routes": routes("/"),
            "plugins": [{"use": "request_id"}],
            **changes,
            "server": server | changes.get("server", {}),
        }

    def command(self) -> Sequence[str]:
        config = self.folder / "gateway.yaml"
        config.write_text(yaml.safe_dump(self._config))
        return [self._python, "-m", "gateway", "run", "-c", str(config)]

    def start(self) -> None:
        super().start()
        self.store = Store(self._store_url())

    def ready(self) -> bool:
        """Whether it gives out a token. It listens a moment earlier."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("POST", "/token", ASKING, dict(one.split(": ", 1) for one in FORM))
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def pids(self) -> list[int]:
        """The workers and their supervisor; not the store, which is a server of its own everywhere."""
        return [pid for pid in super().pids if b"valkey" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def token(self, form: str = "", **headers: str) -> str:
        """A token for the route."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/token",
            data=f"{ASKING}{form}".encode(),
            headers=dict([FORM[1].split(": ", 1)]) | headers,
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["access_token"])

    def _store_url(self) -> str:
        if "store" in self._config:
            return str(self._config["store"]["url"])
        return (self.folder / STATE / "store" / "url").read_text()


def server_at(port: int) -> dict[str, Any]:
    """An upstream with one server."""
    return {"servers": [{"url": f"http://127.0.0.1:{port}"}]}


def routes(*paths: str, **more: Any) -> list[dict[str, Any]]:
    """Routes to the backend, open to who has the scope. `more` are further keys of each."""
    return [
        {"path": path, "upstream": "backend", "scopes": ["orders.read"], "strip_prefix": False, **more}
        for path in paths
    ]
