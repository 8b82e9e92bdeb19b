"""Envoy with Lua: the token in a table, looked up for every request.

Its own advice for benchmarks is followed as far as it leaves a gateway: one worker, no dynamic statistics, wide
circuit breakers. Request ids and the access log, which it buffers by itself, stay on, as they do in Gatepost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender

CONFIG = """
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
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: "/"}}, route: {{cluster: backend}}}}]}}
          http_filters:
          - name: envoy.filters.http.lua
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
              default_source_code:
                inline_string: |
                  local tokens = {{["Bearer {token}"] = {{client = "demo", scope = "orders.read"}}}}
                  function envoy_on_request(handle)
                    local headers = handle:headers()
                    local facts = tokens[headers:get("authorization") or ""]
                    if facts == nil then handle:respond({{[":status"] = "401"}}, "") return end
                    if facts.scope ~= "orders.read" then handle:respond({{[":status"] = "403"}}, "") return end
                    headers:replace("x-client-id", facts.client)
                    headers:remove("authorization")
                  end
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router, dynamic_stats: false}}
  clusters:
  - name: backend
    type: STATIC
    circuit_breakers: {{thresholds: [{{max_connections: 4096, max_pending_requests: 4096, max_requests: 8192}}]}}
    load_assignment:
      cluster_name: backend
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}}}]}}]
"""


class Envoy(Contender):
    """Envoy + Lua."""

    name = "Envoy + Lua"

    def __init__(self, folder: Path, upstream: int, token: str, program: str) -> None:
        super().__init__(folder)
        self._upstream, self._token, self._program = upstream, token, program

    def command(self) -> Sequence[str]:
        config = self.folder / "envoy.yaml"
        config.write_text(
            CONFIG.format(folder=self.folder, port=self.port, upstream=self._upstream, token=self._token)
        )
        return [self._program, "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]
