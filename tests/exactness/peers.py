"""nginx and HAProxy as plain reverse proxies: second opinions on what a request means."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.exactness.programs import program
from tests.ports import free_port
from tests.raw import LIMIT

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 256; }}
http {{
  access_log off;
  merge_slashes off;
  client_max_body_size 0;
  large_client_header_buffers 8 32k;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_next_upstream off;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  timeout http-request 5s
frontend all
  bind 127.0.0.1:{port}
  default_backend one
backend one
  server one 127.0.0.1:{upstream}
"""


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """nginx in front of a port; its own port."""
    with running("nginx", "-e", "/dev/null", "-c", folder=folder, text=NGINX, upstream=upstream) as port:
        yield port


@contextmanager
def haproxy(folder: Path, upstream: int) -> Iterator[int]:
    """HAProxy in front of a port; its own port."""
    with running("haproxy", "-db", "-f", folder=folder, text=HAPROXY, upstream=upstream) as port:
        yield port


@contextmanager
def running(name: str, *options: str, folder: Path, text: str, upstream: int) -> Iterator[int]:
    port = free_port()
    file = folder / f"{name}.conf"
    file.write_text(text.format(folder=folder, port=port, upstream=upstream))
    process = subprocess.Popen(
        [program(name), *options, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(LIMIT)


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LIMIT
    while True:
        assert process.poll() is None, "it has ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.01)
        else:
            return
