"""Real load balancers that pass TCP connections on, with the PROXY protocol, to the gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import StartGateway, configuration
from tests.exactness.peers import running as started
from tests.raw import RawClient, RawUpstream

GET = b"GET /open HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n"

HAPROXY = """
defaults
  mode tcp
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend all
  bind 127.0.0.1:{port}
  default_backend one
backend one
  server one 127.0.0.1:{upstream} VERSION
"""

NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 64; }}
stream {{
  server {{
    listen 127.0.0.1:{port};
    proxy_pass 127.0.0.1:{upstream};
    proxy_protocol on;
  }}
}}
"""

STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so").exists()

PEERS: dict[str, tuple[tuple[str, ...], str]] = {
    "haproxy-v1": (("haproxy", "-db", "-f"), HAPROXY.replace("VERSION", "send-proxy")),
    "haproxy-v2": (("haproxy", "-db", "-f"), HAPROXY.replace("VERSION", "send-proxy-v2")),
    "nginx-v1": (("nginx", "-e", "/dev/null", "-c"), NGINX),
}


@pytest.mark.parametrize("peer", PEERS)
async def test_the_backend_sees_the_address_of_the_load_balancers_client(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path, peer: str
) -> None:
    (name, *options), text = PEERS[peer]
    if name == "nginx" and not STREAM_MODULE:
        pytest.skip("nginx has no stream module: scripts/test-programs installs it")
    listeners = [
        {"host": "127.0.0.1", "port": 0},
        {"host": "127.0.0.1", "port": 0, "proxy_protocol": True},
    ]
    running = gateway(
        configuration(upstream.url, server={"listen": listeners, "trusted_proxies": ["127.0.0.1"]})
    )
    behind = urlsplit(running.addresses("http")[1]).port or 0
    with started(name, *options, folder=tmp_path, text=text, upstream=behind) as port:
        # From another address of this machine than the load balancer's.
        streams = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        async with RawClient(*streams) as client:
            assert [(await client.ask(GET)).status for _ in range(2)] == [200, 200]
    # The client itself is not trusted: what it says of others is not believed.
    assert [one.header("X-Forwarded-For") for one in upstream.requests] == ["127.0.0.2"] * 2
