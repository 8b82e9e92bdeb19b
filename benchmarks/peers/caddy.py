"""Caddy, without any check of a token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender

CONFIG = """
{{
  admin off
  auto_https off
  persist_config off
}}
http://127.0.0.1:{port} {{
  log {{
    output file {folder}/access.log
  }}
  reverse_proxy 127.0.0.1:{upstream} {{
    transport http {{
      keepalive_idle_conns_per_host 256
    }}
  }}
}}
"""


class Caddy(Contender):
    """Caddy."""

    name = "Caddy, no check"

    def __init__(self, folder: Path, upstream: int, program: str) -> None:
        super().__init__(folder)
        self._upstream, self._program = upstream, program

    def command(self) -> Sequence[str]:
        config = self.folder / "Caddyfile"
        config.write_text(CONFIG.format(folder=self.folder, port=self.port, upstream=self._upstream))
        return [
            "env",
            "GOMAXPROCS=1",
            self._program,
            "run",
            "--adapter",
            "caddyfile",
            "--config",
            str(config),
        ]
