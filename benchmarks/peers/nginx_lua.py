"""nginx with Lua: the token in a shared dictionary, looked up for every request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender

CONFIG = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  lua_shared_dict tokens 10m;
  init_by_lua_block {{ ngx.shared.tokens:set("{token}", "demo|orders.read") }}
  log_format json escape=json '{{"t":"$time_iso8601","a":"$remote_addr","m":"$request_method","p":"$uri","s":$status,"b":$body_bytes_sent,"d":$request_time}}';
  access_log {folder}/access.log json buffer=64k flush=1s;
  keepalive_requests 1000000000; client_max_body_size 100m; client_body_buffer_size 64k;
  upstream backend {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location / {{
      access_by_lua_block {{
        local header = ngx.var.http_authorization
        local facts = header and ngx.shared.tokens:get(string.sub(header, 8))
        if not facts then ngx.header["WWW-Authenticate"] = "Bearer" return ngx.exit(401) end
        local bar = string.find(facts, "|", 1, true)
        if not string.find(facts, "orders.read", bar, true) then return ngx.exit(403) end
        ngx.req.set_header("X-Client-Id", string.sub(facts, 1, bar - 1))
        ngx.req.clear_header("Authorization")
      }}
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_pass http://backend;
    }}
  }}
}}
"""


class NginxLua(Contender):
    """nginx + Lua."""

    name = "nginx + Lua"

    def __init__(self, folder: Path, upstream: int, token: str) -> None:
        super().__init__(folder)
        self._upstream, self._token = upstream, token

    def command(self) -> Sequence[str]:
        config = self.folder / "nginx.conf"
        config.write_text(
            CONFIG.format(folder=self.folder, port=self.port, upstream=self._upstream, token=self._token)
        )
        return ["nginx", "-c", str(config), "-e", str(self.folder / "error.log")]
