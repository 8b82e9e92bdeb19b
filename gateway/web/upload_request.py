"""A request on the fast path whose body is still on its way: it goes upstream piece by piece, as it comes.

The rules are those of the way through aiohttp (`gateway.web.request_body`, `gateway.upstream.upload`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from time import perf_counter
from typing import Final

from gateway.http.exchange import Headers, Response, ResponseHead
from gateway.http.limit_names import BODY
from gateway.http.problems import BODY_TOO_LARGE, SLOW_REQUEST, Problem
from gateway.http.request_head import content_length
from gateway.oauth.bearer import AuthError
from gateway.proxy.phases import CHUNKED, RequestFraming, admit, forward, forward_whole
from gateway.proxy.pipeline import then
from gateway.proxy.request_cache import CachedRequest
from gateway.server.min_data_rate import BodyRateMonitor
from gateway.upstream.request import EXPECT_LINE, UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.upload import BodyLengthError, declared_length
from gateway.web.proxy_request import Outcome, ProxyRequest
from gateway.web.request_body import CONTINUE, OWN_CONTINUE, TOO_SLOW, expects_continue, is_chunked
from gateway.web.response_writer import CONTINUE_STATUS

MOST_WAITING: Final = 65_536
"""Bytes that wait for the upstream; from then on the client is not read."""
_FRAMINGS: Final = {
    (chunked, expects): RequestFraming(
        (CHUNKED if chunked else b"") + (EXPECT_LINE if expects else b""),
        body_follows=True,
        chunked=chunked,
        expects_continue=expects,
    )
    for chunked in (False, True)
    for expects in (False, True)
}


class UploadRequest(ProxyRequest):
    """It is given the body by its connection, and has the upstream's word on when it takes more."""

    __slots__ = (
        "_cached",
        "_length",
        "_loop",
        "_missing",
        "_own_continue",
        "_pace",
        "_pieces",
        "_room",
        "_since",
        "_streams",
        "_unread",
        "_unsent",
        "_untold",
        "_wanted",
    )

    def begin_upload(self, cached: CachedRequest, body: bytes, missing: int) -> None:
        """As `begin`. `body`: what of it has come; `missing`: how many bytes have not."""
        self._began = perf_counter()
        self.finished = False
        self._cached = cached
        self._pieces = body
        """What has come and the upstream has not been given."""
        self._missing = missing
        self._length = len(body) + missing
        self._loop = asyncio.get_running_loop()
        self._pace = BodyRateMonitor(self._services.min_data_rate, len(body))
        self._since: float | None = None
        """Since when the client's next piece is waited for; None: it is not."""
        self._wanted = True
        """Whether the body goes upstream."""
        self._streams = self._room = False
        """Whether it follows the head and has not ended; whether the upstream takes it now."""
        self._unread = False
        """Whether the client is not read, because too much waits for the upstream."""
        self._unsent = cached.framing.expects and not body
        """Whether the client may wait for 100 (Continue), and so never send its body."""
        self._untold = False
        """Whether it is for the upstream to say 100 (Continue), and nobody has said it yet."""
        self._own_continue: asyncio.TimerHandle | None = None
        self._services.recorder.telemetry.in_flight += 1
        try:
            outcome: Outcome | Awaitable[Outcome]
            admission = admit(self._exchange, self._services, self._length, cached)
            if admission is None:
                outcome = self._forward(cached)
            else:
                outcome = then(admission, partial(self._forward, cached))
        except Exception as error:  # as in `begin`
            self._refuse(error)
        else:
            self._go_on(outcome)

    def _forward(
        self, cached: CachedRequest
    ) -> UpstreamRequest | Response | Awaitable[UpstreamRequest | Response]:
        """What goes upstream: with the whole body if all of it has come meanwhile."""
        exchange, services = self._exchange, self._services
        request = exchange.request
        if self._length > (services.max_body if exchange.max_body is None else exchange.max_body):
            raise Problem(BODY_TOO_LARGE, close=True, limit=BODY)
        if request is cached.head:
            chunked, expects = False, cached.framing.expects
        else:
            # A plugin has put it in its place.
            chunked, expects = is_chunked(request), expects_continue(request)
            if not chunked and not content_length(request.headers):
                self._wanted, self._pieces = False, b""
                return forward(exchange, b"", cached)
        if self._missing:
            self._streams, self._untold = True, expects and self._unsent
            return forward(exchange, b"", cached, _FRAMINGS[chunked, expects])
        body, self._pieces = self._pieces, b""
        return forward_whole(exchange, body, cached)

    def _send(self, request: UpstreamRequest) -> None:
        if self._streams and not request.chunked and self._declared_length(request) != self._length:
            # Another end of the body than the client's would make a request of what is behind it.
            self._refuse(BodyLengthError("the body is not as long as the head says that goes upstream"))
            return
        super()._send(request)
        self._pass_on()

    def _declared_length(self, request: UpstreamRequest) -> int | None:
        """What the head says that goes upstream. One that no hook has had is known with the request's."""
        if self._exchange.forward is not None:
            return declared_length(request.head)
        return self._cached.upstream_head_for(self._exchange.route).length()

    # What the client connection calls.

    def body_received(self, data: bytes, missing: int) -> None:
        """The next piece of the body; `missing`: bytes that have not come yet."""
        call, since, self._missing, self._unsent = self._call, self._since, missing, False
        if since is not None and self._room and call is not None:
            # Nothing waits but for this piece: the most frequent case.
            now = self._loop.time()
            self._pace.took(now - since, len(data))
            self._since = now if missing else None
            call.write(data)
            if not missing:
                self._pass_on()
            return
        self._pace.took(0.0 if since is None else self._loop.time() - since, len(data))
        self._since = None
        if self._untold:
            self._stop_telling()
        if self._done or not self._wanted:
            return
        self._pieces += data
        self._pass_on()
        if len(self._pieces) > MOST_WAITING and not self._unread:
            self._unread = True
            self._client.pause()

    def check_pace(self, now: float) -> None:
        """Ends the request if the client is too slow to send its body."""
        if self._since is None or self._done or now - self._since < self._pace.allowance():
            return
        error = Problem(SLOW_REQUEST, TOO_SLOW, close=True, limit=self._pace.binding)
        self._give_up()
        if self._exchange.response is None or self._held is not None:
            self._held = None
            self._refuse(error)
        else:
            self._break_off()

    # What the upstream's connection calls.

    def pause_writing(self) -> None:
        """The upstream takes no more of the body for now."""
        self._room = False

    def resume_writing(self) -> None:
        """The upstream takes the body (again)."""
        self._room = True
        self._pass_on()

    def on_informational(self, head: ResponseHead) -> None:
        """Passes a 1xx on: 100 (Continue) to a client that waits for it."""
        if head.status != CONTINUE_STATUS:
            super().on_informational(head)
        elif self._untold:
            self._tell()

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """The whole response."""
        self._close_behind_unsent_body()
        super().on_whole(head, framing, body, trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """The response begins."""
        self._close_behind_unsent_body()
        super().on_head(head, framing)

    def _close_behind_unsent_body(self) -> None:
        """RFC 9110 section 10.1.1: a client that gets its response in place of 100 need not send the body.
        Whether it does can't be known, so no request can follow."""
        if self._untold:
            self._keep = False

    # The body's way.

    def _pass_on(self) -> None:
        """Gives the upstream what has come, and waits for more of it."""
        call = self._call
        if call is None or not (self._room and self._streams):
            return
        if self._pieces:
            body, self._pieces = self._pieces, b""
            call.write(body)
        if self._missing:
            self._wait_for_client()
        elif self._room:
            self._streams = False
            call.write_end()

    def _wait_for_client(self) -> None:
        self._read_again()
        if not self._untold:
            self._since = self._loop.time() if self._since is None else self._since
        elif self._own_continue is None:
            # Till it is told, or sends, the client is not slow.
            self._own_continue = self._loop.call_later(OWN_CONTINUE, self._tell)

    def _tell(self) -> None:
        """The client is to send its body."""
        self._stop_telling()
        self._since = self._loop.time()
        self._client.write(CONTINUE)

    def _stop_telling(self) -> None:
        self._untold = False
        if self._own_continue is not None:
            self._own_continue.cancel()
            self._own_continue = None

    def _read_again(self) -> None:
        if self._unread:
            self._unread = False
            self._client.resume()

    # The gateway's own answers, and the end.

    def _answer(self, answer: Response, *, close: bool) -> None:
        self._leave_unsent_body()
        super()._answer(answer, close=close)

    def _challenge(self, refusal: AuthError, cached: CachedRequest | None = None) -> None:
        self._leave_unsent_body()
        super()._challenge(refusal, cached)

    def _leave_unsent_body(self) -> None:
        """RFC 9110 section 10.1.1: a client that waits for 100 (Continue) will not send its body now, or
        sends it all the same. Closing the connection is right for both.
        """
        if self._unsent and not self._done:
            self._client.close_after()
            self._client.await_body(0, None)

    def _finish(self, *, keep: bool) -> None:
        self._since, self._pieces, self._streams = None, b"", False
        self._stop_telling()
        self._read_again()
        super()._finish(keep=keep)
