"""A response whose body is collected for `on_body` before anything of it goes to the client."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from gateway.http.body import response_with_body
from gateway.http.body_hook import BodyHook, MessageBody
from gateway.http.exchange import Exchange, Headers, ResponseHead
from gateway.proxy.body_hooks import run_body_hooks, wanted
from gateway.server.client_connection import ClientConnection
from gateway.server.eager import run_eagerly
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.response_handler import UpstreamFraming
from gateway.web.filtered_response import FilteredResponse
from gateway.web.proxy_services import ProxyServices
from gateway.web.request_body import ContinueSignal

log = logging.getLogger("gatepost")
_NO_BODY: Final = (UpstreamFraming.NONE, UpstreamFraming.UPGRADE)


class BufferedResponse(FilteredResponse):
    """Responses that no hook wants are passed on as they come."""

    __slots__ = ("_collected", "_collected_head", "_collected_size", "_hooks", "_limit", "_wanted")

    def __init__(
        self,
        services: ProxyServices,
        exchange: Exchange,
        connection: ClientConnection,
        *,
        keep_alive: bool,
        hooks: Sequence[BodyHook],
        signal: ContinueSignal | None = None,
    ) -> None:
        """`hooks`: of the route's plugins, for responses. The rest is as in `AiohttpResponse`."""
        super().__init__(services, exchange, connection, keep_alive=keep_alive, signal=signal)
        self._hooks = hooks
        self._wanted: list[BodyHook] = []
        self._limit = 0
        self._collected_head: ResponseHead | None = None
        """The head of the response that is being collected; None: nothing is."""
        self._collected: list[bytes] = []
        self._collected_size = 0

    # What the upstream's connection calls.

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """The whole response at once."""
        if self._collects(head, framing):
            self.on_data(body)
            self.on_end(trailers)
        elif not self._done:
            super().on_whole(head, framing, body, trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """The response begins."""
        if not self._collects(head, framing) and not self._done:
            super().on_head(head, framing)

    def on_data(self, data: bytes) -> None:
        """A piece of the body."""
        if self._collected_head is None:
            super().on_data(data)
        elif not self._done:
            self._collected.append(data)
            self._collected_size += len(data)
            if self._collected_size > self._limit:
                self._too_large()

    def on_end(self, trailers: Headers) -> None:
        """The response is complete. Trailers of a collected one are not passed on."""
        if self._collected_head is None:
            super().on_end(trailers)
        elif not self._done:
            self._task = run_eagerly(self._run_hooks(self._collected_head))

    def _collects(self, head: ResponseHead, framing: UpstreamFraming) -> bool:
        """Whether the body is collected; also False where a plugin has failed, and the response with it."""
        if framing in _NO_BODY:
            return False
        plain = ResponseHead(head.status, head.reason, list(head.headers), head.version)
        self._exchange.response = plain
        try:
            self._wanted = wanted(self._hooks, self._exchange, "response")
        except Exception as error:  # whatever a plugin raises ends the request, and nothing gets out
            self._fail(error)
            return False
        finally:
            self._exchange.response = None
        if not self._wanted:
            return False
        self._limit = min(hook.limit for hook in self._wanted)
        self._collected_head = plain
        return True

    async def _run_hooks(self, head: ResponseHead) -> None:
        collected, self._collected = b"".join(self._collected), []
        body = MessageBody("response", collected)
        self._exchange.response = head
        try:
            await run_body_hooks(self._wanted, self._exchange, body)
        except Exception as error:  # as in `_collects`
            self._fail(error)
            return
        self._exchange.response = None
        whole = response_with_body(head, body.content, changed=body.content != collected)
        self._collected_head = None
        super().on_whole(whole, UpstreamFraming.LENGTH, body.content, [])

    def _too_large(self) -> None:
        reason = f"the response's body is larger than the {self._limit} bytes that a plugin takes"
        log.warning("%s: %s", self._exchange.route.path, reason)
        self._fail(UpstreamBroken(reason))
