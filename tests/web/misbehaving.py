"""Plugins that fail where they are told to, for the tests of both ways through the gateway."""

import asyncio
from dataclasses import replace

from gateway.http.exchange import RequestHead
from gateway.plugin import Exchange, ProxyPlugin, Response


class Misbehaving(ProxyPlugin):
    """Does what the header X-Do says, in the phase that it names."""

    def on_request(self, exchange: Exchange) -> Response | None:
        return self._do("request", exchange)

    def on_authorized(self, exchange: Exchange) -> Response | None:
        return self._do("authorized", exchange)

    def on_forward(self, exchange: Exchange) -> Response | None:
        if exchange.forward is not None and exchange.request.header("x-do") == "forward change":
            exchange.forward.set("X-Changed", "1")
            exchange.forward.remove("X-Do")
        if exchange.forward is not None and exchange.request.header("x-do") == "forward longer":
            exchange.forward.set("Content-Length", "99")
        return self._do("forward", exchange)

    def on_response(self, exchange: Exchange) -> None:
        if exchange.response is not None and exchange.request.header("x-do") == "response change":
            exchange.response.set("X-Changed", "2")
        self._do("response", exchange)

    def on_finish(self, exchange: Exchange) -> None:
        self._do("finish", exchange)

    def _do(self, phase: str, exchange: Exchange) -> Response | None:
        wish = exchange.request.header("x-do")
        if wish == f"{phase} raise":
            raise RuntimeError("the plugin's own secret")
        if wish == f"{phase} answer":
            return Response(418, b"short and stout", [(b"X-Pot", b"tea")])
        if wish == f"{phase} nonsense":
            return True  # type: ignore[return-value]  # the mistake that is tested
        if wish == f"{phase} swap":
            exchange.request = _another(exchange.request)
        return None


class Waiting(ProxyPlugin):
    """Coroutines: each lets others run, and answers in the phase that the header X-Do names."""

    async def on_request(self, exchange: Exchange) -> Response | None:
        return await self._do("request", exchange)

    async def on_authorized(self, exchange: Exchange) -> Response | None:
        return await self._do("authorized", exchange)

    async def on_forward(self, exchange: Exchange) -> Response | None:
        return await self._do("forward", exchange)

    async def on_response(self, exchange: Exchange) -> None:
        await self._do("response", exchange)
        if exchange.response is not None:
            exchange.response.set("X-Waited", "1")

    async def on_finish(self, exchange: Exchange) -> None:
        await self._do("finish", exchange)

    async def _do(self, phase: str, exchange: Exchange) -> Response | None:
        wish = exchange.request.header("x-do")
        async with asyncio.timeout(0.05 if wish == f"{phase} hang" else 5):
            await asyncio.sleep(10 if wish in (f"{phase} hang", f"{phase} wait") else 0)
        return Response(418, b"short and stout") if wish == f"{phase} answer" else None


class ByHead(ProxyPlugin):
    """The same in hooks that see no more than a head."""

    head_only = ("on_forward", "on_response")

    def on_forward(self, exchange: Exchange) -> Response | None:
        request, forward = exchange.request, exchange.forward
        wish = request.header("x-do")
        if forward is not None:
            forward.set("X-Shaped", f"{request.header('x-mark')} from {request.peer.address or 'nobody'}")
        if wish == "head raise":
            raise RuntimeError("the plugin's own secret")
        if wish == "head curious":
            assert exchange.token is None
        return Response(418) if wish == "head answer" else None

    def on_response(self, exchange: Exchange) -> None:
        if exchange.response is not None:
            exchange.response.set("X-Request-Id", "the upstream's")
            if (b"X-Do", b"head raise") in exchange.response.headers:
                raise RuntimeError("the plugin's own secret")
            exchange.response.status += 1


def _another(head: RequestHead) -> RequestHead:
    token = (head.header("x-token") or "").encode()
    headers = ((b"Host", b"other"), (b"Authorization", token), (b"X-Swapped", b"1"))
    return replace(head, method="PUT", headers=headers)
