"""The response to a request that aiohttp parsed: a `ResponseWriter` that a coroutine can await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.http.exchange import Exchange, Headers, ResponseHead
from gateway.server.client_connection import ClientConnection
from gateway.server.in_flight import ResponseClient
from gateway.server.raw_response import AlreadySentResponse
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.tunnel import Tunnel
from gateway.upstream.upload import Upload, declared_length
from gateway.web.proxy_services import ProxyServices
from gateway.web.request_body import ContinueSignal
from gateway.web.response_writer import CONTINUE_STATUS, ResponseWriter


class AiohttpResponse(ResponseWriter[ResponseClient]):
    """Send the request with `begin`, await what it returns, and `close` in any case."""

    __slots__ = ("_over", "_room", "_signal", "_upload", "tunnel", "upgraded_head")

    def __init__(
        self,
        services: ProxyServices,
        exchange: Exchange,
        connection: ClientConnection,
        *,
        keep_alive: bool,
        signal: ContinueSignal | None = None,
    ) -> None:
        """`keep_alive`: the request lets the connection be used again. `signal`: for a client that waits for
        100 (Continue) before it sends the body.
        """
        super().__init__(services, exchange, connection, keep_alive=keep_alive)
        self._signal = signal
        self._upload: Upload | None = None
        self._room = asyncio.Event()
        """Set while the upstream takes the body's bytes."""
        self._over: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        """None once it is done: the traceback of an error that it holds leads to who holds this response."""
        self.tunnel: Tunnel | None = None
        """After 101 (Switching Protocols): the bytes both ways."""
        self.upgraded_head: ResponseHead | None = None
        """The 101, as the upstream sent it. It has not been passed on."""

    def begin(self, request: UpstreamRequest, body: AsyncIterator[bytes] | None) -> asyncio.Future[None]:
        """Sends the request. `body`: what follows its head, piece by piece. To be called once.

        What it returns is done when the response is out, broken off, or a tunnel. Raises where there is none.

        Raises:
            UpstreamError: there is nobody to send it to.
        """
        over, upstream = self._over, self._exchange.route.upstream
        assert over is not None  # noqa: S101 (for mypy: nothing has begun)
        try:
            self._call = call = upstream.begin(self, request)
        except UpstreamError as error:
            self._services.recorder.upstream_failed(self._exchange, error)
            raise
        if body is not None:
            length = None if request.chunked else declared_length(request.head) or 0
            self._upload = Upload(body, length)
            self._upload.start(call, self._room, self._upload_failed)
        return over

    def sent(self) -> AlreadySentResponse:
        """The result for aiohttp and the access log, once it is over."""
        return AlreadySentResponse(self._status, self._size, keep_alive=self._keep)

    def close(self) -> None:
        """Ends what is still under way: the client has gone, or the response came before the body's end."""
        self._give_up()
        self._call = self._held = None
        if self.tunnel is not None:
            self.tunnel.close()
        self._stop_waiting()
        if self._upload is not None:
            self._upload.cancel()
        if self._signal is not None:
            self._signal.abandon()

    # What the upstream's connection calls.

    def on_informational(self, head: ResponseHead) -> None:
        """Passes a 1xx on: 100 (Continue) to a client that waits for it."""
        if head.status != CONTINUE_STATUS:
            super().on_informational(head)
        elif self._signal is not None:
            self._signal.tell()

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """The whole response."""
        self._close_behind_unsent_body()
        super().on_whole(head, framing, body, trailers)

    def _close_behind_unsent_body(self) -> None:
        """RFC 9110 section 10.1.1: a client that gets its response in place of 100 need not send the body.
        Whether it does can't be known, so no request can follow."""
        if self._signal is not None and not self._signal.told:
            self._keep = False

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """The response begins, or the connection becomes a tunnel."""
        if framing is not UpstreamFraming.UPGRADE or self._call is None:
            self._close_behind_unsent_body()
            super().on_head(head, framing)
            return
        self.upgraded_head = head
        self.tunnel = Tunnel(self._call)
        self._end(None)

    def pause_writing(self) -> None:
        """The upstream takes no more of the body for now."""
        self._room.clear()

    def resume_writing(self) -> None:
        """The upstream takes the body (again)."""
        self._room.set()

    # How it ends.

    def _upload_failed(self, error: Exception) -> None:
        """The body broke off. The upstream's exchange has been ended."""
        if self._done:
            return
        if self._exchange.response is None or self._held is not None:
            self._refuse(error)
        else:
            self._break_off()

    def _refuse(self, error: Exception) -> None:
        self._done, self._call, self._held = True, None, None
        self._stop_waiting()
        self._end(error)

    def _finish(self, *, keep: bool) -> None:
        self._done, self._call, self._keep = True, None, keep
        self._stop_waiting()
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        over, self._over = self._over, None
        if over is None or over.done():
            return
        if error is None:
            over.set_result(None)
        else:
            over.set_exception(error)
