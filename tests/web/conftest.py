"""The gateway and the upstream that these tests share."""

from __future__ import annotations

from tests.web_gateway import client, gateway, gateways, hasty_gateway, token, upstream, upstream_server

__all__ = ["client", "gateway", "gateways", "hasty_gateway", "token", "upstream", "upstream_server"]
