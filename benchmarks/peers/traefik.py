"""Traefik, without any check of a token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender

STATIC = """
entryPoints: {{in: {{address: "127.0.0.1:{port}"}}}}
providers: {{file: {{filename: {folder}/dynamic.yaml}}}}
accessLog: {{filePath: {folder}/access.log, format: json, bufferingSize: 1000}}
global: {{checkNewVersion: false, sendAnonymousUsage: false}}
"""
DYNAMIC = """
http:
  routers: {{all: {{rule: "PathPrefix(`/`)", service: backend}}}}
  services: {{backend: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{upstream}"}}]}}}}}}
"""


class Traefik(Contender):
    """Traefik."""

    name = "Traefik, no check"

    def __init__(self, folder: Path, upstream: int, program: str) -> None:
        super().__init__(folder)
        self._upstream, self._program = upstream, program

    def command(self) -> Sequence[str]:
        (self.folder / "static.yaml").write_text(STATIC.format(folder=self.folder, port=self.port))
        (self.folder / "dynamic.yaml").write_text(DYNAMIC.format(upstream=self._upstream))
        return ["env", "GOMAXPROCS=1", self._program, f"--configFile={self.folder}/static.yaml"]
