"""What the contenders are called, in tables and in the cases."""

from __future__ import annotations

NGINX = "nginx + Lua"
NGINX_EXTRAS = "nginx + Lua, the same extras"
NGINX_REDIS = "nginx + Lua, asks Redis"
ENVOY = "Envoy + Lua"
HAPROXY = "HAProxy"
TRAEFIK = "Traefik, no check"
CADDY = "Caddy, no check"
OIDC = "oidc-provider"

GATEPOST = "Gatepost"
TEN_ROUTES = "Gatepost, 10 routes"
MANY_ROUTES = "Gatepost, 10,000 routes"
TWO_WORKERS = "Gatepost, 2 workers"
JWT = "Gatepost, JWT"
AIOHTTP_ONLY = "Gatepost, aiohttp only"
ALL_PLUGINS = "Gatepost, all usual plugins"
SLOW_PATHS = "Gatepost, slow paths"
"""It has an asynchronous hook on one route, and another issuer on one."""
ON_REDIS = "Gatepost, Redis apart"
"""Its store is a Redis of its own on the load's core; the others bring theirs, on their own core."""
