"""A request's whole body, for `on_body`."""

from __future__ import annotations

from aiohttp import web

from gateway.http.body import request_with_body
from gateway.http.body_hook import MessageBody
from gateway.http.exchange import Exchange, Response
from gateway.http.request_head import check_length
from gateway.http.upgrade import asked_upgrade
from gateway.proxy.body_hooks import run_body_hooks, wanted
from gateway.server.client_connection import connection_of
from gateway.web.proxy_services import ProxyServices
from gateway.web.request_body import CONTINUE, expects_continue, upload


async def collected_body(
    request: web.Request, exchange: Exchange, services: ProxyServices
) -> bytes | Response | None:
    """The body as the plugins have left it, and `exchange.request` with its length; or a plugin's response.

    None: no plugin wants it.

    Raises:
        Problem: 413 where it is larger than a plugin or the route takes, or what a plugin says of it.
    """
    if asked_upgrade(exchange.request) is not None:
        return None
    hooks = wanted(exchange.route.pipeline.request_body, exchange, "request")
    if not hooks:
        return None
    most = services.max_body if exchange.max_body is None else exchange.max_body
    limit = min(most, *(hook.limit for hook in hooks))
    check_length(exchange.request.headers, limit)
    whole = await _whole(request, exchange, services, limit)
    body = MessageBody("request", whole)
    answer = await run_body_hooks(hooks, exchange, body)
    if answer is not None:
        return answer
    exchange.request = request_with_body(exchange.request, body.content, changed=body.content != whole)
    return body.content


async def _whole(request: web.Request, exchange: Exchange, services: ProxyServices, limit: int) -> bytes:
    body = upload(request, exchange.request, limit, services.min_data_rate)
    if body is None or isinstance(body, bytes):
        return body or b""
    if expects_continue(exchange.request):
        # The gateway wants the body itself, whatever the upstream will say.
        connection_of(request).write(CONTINUE)
    pieces = [piece async for piece in body]
    return b"".join(pieces)
