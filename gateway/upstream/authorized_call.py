"""A request to an upstream that asks for credentials of the gateway's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from gateway.http.exchange import Headers, ResponseHead
from gateway.runtime.compilation import mypyc_attr
from gateway.upstream.credentials import UpstreamCredentials
from gateway.upstream.errors import UpstreamError
from gateway.upstream.load_balancer import LoadBalancer
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import ResponseHandler, UpstreamFraming
from gateway.upstream.upstream_call import UpstreamCall

_UNAUTHORIZED: Final = 401


@mypyc_attr(allow_interpreted_subclasses=True)
class AuthorizedCall(UpstreamCall):
    """Adds the credentials to the head. After a 401 it tries once more with new ones, where there are any."""

    __slots__ = ("_again", "_credentials", "_line", "_plain", "_task")

    def __init__(
        self,
        balancer: LoadBalancer,
        handler: ResponseHandler,
        request: UpstreamRequest,
        credentials: UpstreamCredentials,
    ) -> None:
        super().__init__(balancer, handler, request)
        self._credentials = credentials
        self._plain = request
        self._line = b""
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Sends the request, now or as soon as there are credentials.

        Raises:
            UpstreamUnavailable: nobody can take it now; the handler gets no call.
        """
        line = self._credentials.current()
        if line is None:
            self._wait()
        else:
            self._send(line)

    def abort(self) -> None:
        """Ends the request at once, wherever it is."""
        # The task will hold an error whose traceback leads here.
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        super().abort()

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """Passes on a complete response, unless it is a 401 and new credentials may help."""
        if self._rejected(head):
            self._note_response(head)
            self._leave()
            self._wait()
        else:
            super().on_whole(head, framing, body, trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """As for a complete response."""
        if self._rejected(head):
            self._note_response(head)
            connection = self._connection
            self._leave()
            if connection is not None:
                connection.abort()
            self._wait()
        else:
            super().on_head(head, framing)

    def _rejected(self, head: ResponseHead) -> bool:
        if head.status != _UNAUTHORIZED:
            self._credentials.accepted()
            return False
        another = self._credentials.rejected(self._line)
        # A body that has been passed on piece by piece can't be sent again.
        if not another or self._again or self._plain.body_follows:
            return False
        self._again = True
        return True

    def _leave(self) -> None:
        if self._server is not None:
            self._server.left(self, undecided=self._is_probe)
        self._server = self._connection = None

    def _wait(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._fetch_and_send())

    async def _fetch_and_send(self) -> None:
        try:
            self._send(await self._credentials.fetch())
        except UpstreamError as error:
            if not self.done:
                self._finish()
                self._handler.on_error(error)

    def _send(self, line: bytes) -> None:
        self._line = line
        head = self._plain.head
        end = head.index(b"\r\n\r\n") + 2
        self._request = replace(self._plain, head=head[:end] + line + head[end:])
        self.go_to(self._balancer.choose(self._request.key, wanted=self._wanted))
