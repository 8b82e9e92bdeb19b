"""HAProxy: the token in a map, looked up for every request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender

CONFIG = """
global
  nbthread 1
  maxconn 4096
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  http-reuse always
  timeout connect 2s
  timeout client 60s
  timeout server 30s
frontend in
  bind 127.0.0.1:{port} backlog 8192
  unique-id-format %{{+X}}o%ci%cp%Ts%rt%pid
  unique-id-header X-Request-Id
  option forwardfor
  http-request set-var(txn.client) req.hdr(authorization),word(2,' '),map_str({folder}/tokens.map)
  http-request return status 401 hdr WWW-Authenticate Bearer unless {{ var(txn.client) -m found }}
  http-request set-header X-Client-Id %[var(txn.client)]
  http-request del-header Authorization
  default_backend backend
backend backend
  server one 127.0.0.1:{upstream} pool-max-conn 4096
"""


class HAProxy(Contender):
    """HAProxy."""

    name = "HAProxy"

    def __init__(self, folder: Path, upstream: int, token: str, program: str) -> None:
        super().__init__(folder)
        self._upstream, self._token, self._program = upstream, token, program

    def command(self) -> Sequence[str]:
        (self.folder / "tokens.map").write_text(f"{self._token} demo\n")
        config = self.folder / "haproxy.cfg"
        config.write_text(CONFIG.format(folder=self.folder, port=self.port, upstream=self._upstream))
        return [self._program, "-f", str(config), "-db"]
