"""nginx with Lua: the token in a shared dictionary, or in Redis, looked up for every request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender, free_port
from benchmarks.store import Store

CONFIG = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  lua_shared_dict tokens 10m;
  map $http_upgrade $upgrades {{ default upgrade; "" ""; }}
  init_by_lua_block {{ ngx.shared.tokens:set("{token}", "demo|orders.read") }}
  log_format json escape=json '{{"t":"$time_iso8601","a":"$remote_addr","m":"$request_method","p":"$uri","s":$status,"b":$body_bytes_sent,"d":$request_time}}';
  access_log {folder}/access.log json buffer=64k flush=1s;
  keepalive_requests 1000000000; client_max_body_size 100m; client_body_buffer_size 64k;
  upstream backend {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  {beside}
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    {tls}
    access_by_lua_block {{
      local header = ngx.var.http_authorization
      {lookup}
      if not facts then ngx.header["WWW-Authenticate"] = "Bearer" return ngx.exit(401) end
      local bar = string.find(facts, "|", 1, true)
      if not string.find(facts, "orders.read", bar, true) then return ngx.exit(403) end
      ngx.req.set_header("X-Client-Id", string.sub(facts, 1, bar - 1))
      ngx.req.clear_header("Authorization")
    }}
    proxy_http_version 1.1;
    location / {{
      {more}
      proxy_set_header Connection "";
      proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_pass http://backend;
    }}
    location /streams/ {{
      proxy_set_header Connection $upgrades; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_buffering off; proxy_read_timeout 1h;
      proxy_pass http://127.0.0.1:{streams};
    }}
  }}
}}
"""
TLS = """
    listen 127.0.0.1:{port} ssl backlog=8192;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
"""
REMEMBERED = "local facts = header and ngx.shared.tokens:get(string.sub(header, 8))"
# What lua-resty-redis does for a GET, over the same kind of socket, and no more.
FROM_REDIS = """
        local redis, facts = ngx.socket.tcp(), nil
        if not redis:connect("127.0.0.1", {redis}) then return ngx.exit(503) end
        local key = header and string.sub(header, 8) or ""
        redis:send("*2\\r\\n$3\\r\\nGET\\r\\n$" .. #key .. "\\r\\n" .. key .. "\\r\\n")
        local length = tonumber(string.sub(redis:receive() or "", 2))
        if length and length > 0 then facts = redis:receive(length) redis:receive(2) end
        redis:setkeepalive(60000, 256)
"""
EXTRAS_BESIDE = """
  limit_req_zone $http_authorization zone=all:10m rate=100000r/s;
  map $http_origin $page { default ""; "https://app.example.org" $http_origin; }
"""
EXTRAS = """
      allow 127.0.0.0/24; deny all;
      limit_req zone=all burst=100000 nodelay;
      client_max_body_size 1m; proxy_read_timeout 10s;
      add_header Access-Control-Allow-Origin $page; add_header Vary Origin;
      add_header Strict-Transport-Security "max-age=31536000"; proxy_set_header X-Debug "";
"""


class NginxLua(Contender):
    """nginx + Lua."""

    name = "nginx + Lua"
    lookup = REMEMBERED
    beside = more = ""

    def __init__(
        self,
        folder: Path,
        upstream: int,
        token: str,
        redis: int = 0,
        streams: int = 1,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        self._upstream, self._token, self._redis, self._streams = upstream, token, redis, streams
        self._certificate = certificate

    def command(self) -> Sequence[str]:
        config = self.folder / "nginx.conf"
        lookup = self.lookup.replace("{redis}", str(self._redis))
        config.write_text(
            CONFIG.format(
                folder=self.folder, port=self.port, upstream=self._upstream, token=self._token,
                lookup=lookup, beside=self.beside, more=self.more, streams=self._streams, tls=self._tls(),
            )
        )  # fmt: skip
        return ["nginx", "-c", str(config), "-e", str(self.folder / "error.log")]

    def _tls(self) -> str:
        if self._certificate is None:
            return ""
        certificate, key = self._certificate
        return TLS.format(port=self.tls_port, certificate=certificate, key=key)


class NginxLuaExtras(NginxLua):
    """nginx + Lua, which does what Gatepost's usual plugins do."""

    name = "nginx + Lua, the same extras"
    beside, more = EXTRAS_BESIDE, EXTRAS


class NginxLuaRedis(NginxLua):
    """nginx + Lua, which asks Redis for every token."""

    name = "nginx + Lua, asks Redis"
    lookup = FROM_REDIS

    def start(self) -> None:
        super().start()
        self.store = Store(f"redis://127.0.0.1:{self._redis}/0")
        self.store.put(self._token, "demo|orders.read")
