"""Gatepost with its edge, an Envoy that checks nothing, and a server of gRPC."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender, answers, free_port
from benchmarks.load import LOAD_CORE
from benchmarks.peers.gatepost import Gatepost, routes

PLAIN = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: {folder}/access.log
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: "/"}}, route: {{cluster: backend, timeout: 0s}}}}]}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router, dynamic_stats: false}}
  clusters:
  - name: backend
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
    load_assignment:
      cluster_name: backend
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}}}]}}]
"""


class EdgeGatepost(Gatepost):
    """A Gatepost that speaks HTTP/2 at its edge, proxies calls of gRPC, and judges for other proxies."""

    def __init__(self, folder: Path, upstream: int, calls: int) -> None:
        super().__init__(folder, upstream, name="Gatepost, edge")
        self.h2_port = free_port()
        server = self._config["server"]
        server["listen"].append({"host": "127.0.0.1", "port": self.h2_port, "http": [1, 2]})
        server["trusted_proxies"] = ["127.0.0.1"]
        del server["max_connections_per_address"]
        self._config["upstreams"]["calls"] = {
            "protocol": "grpc",
            "servers": [{"url": f"http://127.0.0.1:{calls}"}],
        }
        (call,) = routes("/bench.Echo")
        self._config["routes"] = [*routes("/"), call | {"upstream": "calls"}]

    def ready(self) -> bool:
        """Whether it gives out a token, and its edge listens."""
        return super().ready() and answers(self.h2_port)


class PlainEnvoy(Contender):
    """Envoy, which checks nothing."""

    name = "Envoy, no check"

    def __init__(self, folder: Path, upstream: int, program: str) -> None:
        super().__init__(folder)
        self._upstream, self._program = upstream, program

    def command(self) -> Sequence[str]:
        config = self.folder / "envoy.yaml"
        config.write_text(PLAIN.format(folder=self.folder, port=self.port, upstream=self._upstream))
        return [self._program, "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]


class GrpcServer(Contender):
    """What calls of gRPC are handed to, on the load's core."""

    name = "server of gRPC"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, cores={LOAD_CORE})

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "benchmarks.grpc_load", "serve", str(self.port)]
