"""The upstream of all: nginx with fixed answers, on the load's core."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender
from benchmarks.load import LOAD_CORE

# `return` answers before the body has come; what nginx hands on, to itself, it reads first.
CONFIG = """
{user}worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=10; keepalive_requests 1000000000; client_max_body_size 100m; client_body_buffer_size 64k;
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location /small {{ return 200 "{small}"; }}
    location /1k {{ return 200 "{kilo}"; }}
    location /64k {{ root {folder}; }}
    location / {{ return 200 "{small}"; }}
    location /read {{ proxy_pass http://itself/small; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
  upstream itself {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 1000000000; }}
}}
"""


class Upstream(Contender):
    """What all contenders hand their requests to."""

    name = "upstream"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, cores={LOAD_CORE})

    def command(self) -> Sequence[str]:
        (self.folder / "64k").write_bytes(b"x" * 65_536)
        config = self.folder / "nginx.conf"
        # Started by root it would change its user, who may not read the folder.
        user = "user root; " if os.geteuid() == 0 else ""
        config.write_text(
            CONFIG.format(user=user, folder=self.folder, port=self.port, small="x" * 120, kilo="x" * 1024)
        )
        return ["nginx", "-c", str(config), "-e", str(self.folder / "error.log")]
