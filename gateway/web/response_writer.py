"""Writes an upstream's response to the client: the same code for the fast path and for aiohttp's handler.

It is the upstream's `ResponseHandler`. What arrives goes out in the same turn of the event loop; a response
that arrives whole goes out in one write. Only while a coroutine hook of `on_response` runs, the rest is held.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from asyncio import Task, create_task
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Generic, TypeVar

from gateway.http.cached_response_head import CachedResponseHead
from gateway.http.exchange import UPSTREAM_TIMES, Exchange, Headers, ResponseHead
from gateway.http.response_framing import (
    BodyDelimiter,
    chunk,
    informational_head,
    last_chunk,
    response_framing,
    response_head,
)
from gateway.oauth.bearer import AuthError
from gateway.proxy.pipeline import run_hooks
from gateway.proxy.public_response import with_public_urls
from gateway.proxy.request_tokens import presented_credentials
from gateway.proxy.response_rendering import head_for_plugins, render_cached, render_changed
from gateway.server.eager import Running, run_eagerly
from gateway.server.in_flight import ResponseClient
from gateway.upstream.errors import UpstreamError
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.upstream_call import UpstreamCall
from gateway.upstream.upstream_times import TimesKeeper, UpstreamTimes
from gateway.web.proxy_services import ProxyServices

CONTINUE_STATUS: Final = 100
# HTML section 9.2.5: an empty line ends an event.
_BETWEEN_EVENTS: Final = (b"\n\n", b"\r\r", b"\r\n\r\n")
_MARK: Final = 4
"""Bytes of the longest of them."""
_HTTP_1_1: Final = (1, 1)

Client = TypeVar("Client", bound=ResponseClient)
"""What a kind of response must be able to do with its client's connection."""


class ResponseWriter(TimesKeeper, Generic[Client]):
    """One response on its way from the upstream to the client.

    Subclasses say what happens when it is over, and where there is none.
    """

    __slots__ = (
        "_call",
        "_chunked",
        "_client",
        "_done",
        "_ending",
        "_ends_by_close",
        "_exchange",
        "_held",
        "_keep",
        "_paused",
        "_services",
        "_size",
        "_status",
        "_tail",
        "_task",
        "_token_end",
    )

    def __init__(
        self, services: ProxyServices, exchange: Exchange, client: Client, *, keep_alive: bool = True
    ) -> None:
        """`keep_alive`: the request lets the connection be used again."""
        self._services = services
        self._exchange = exchange
        self._client = client
        self._call: UpstreamCall | None = None
        self._task: Running | None = None
        """What waits: for a phase, or for hooks."""
        self._token_end: Task[None] | None = None
        """Waits for the end of the token, where the response must not outlive it."""
        self._status = self._size = 0
        self._chunked = self._ends_by_close = False
        self._keep = keep_alive
        """Whether the connection can be used after the response, as its head says."""
        self._held: list[Callable[[], None]] | None = None
        """What has arrived while hooks of `on_response` run; None: none does."""
        self._paused = False
        """Whether the client takes no more for now."""
        self._tail: bytes | None = None
        """The last bytes of a stream of events; None: it is another response."""
        self._ending = False
        """Whether the stream is to end behind the present event."""
        self._done = False
        """Whether the response is out, or given up: nothing more is written."""

    @abstractmethod
    def _refuse(self, error: Exception) -> None:
        """There is no response of the upstream's to write, because of this error."""

    @abstractmethod
    def _finish(self, *, keep: bool) -> None:
        """The response is out or was broken off; `keep`: the connection can be used again.

        It must set `_done`, and drop `_call`: the two know each other, and else only the garbage collector
        would find them.
        """

    # What the upstream's connection calls.

    def keep_times(self, times: UpstreamTimes) -> None:
        """For the access log."""
        self._exchange.state[UPSTREAM_TIMES] = times

    def on_informational(self, head: ResponseHead) -> None:
        """Passes a 1xx on, to HTTP/1.1 clients. 100 is for those that wait for it (`AiohttpResponse`)."""
        if head.status != CONTINUE_STATUS and self._exchange.request.version >= _HTTP_1_1:
            self._client.write(informational_head(head))

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """The whole response in one write."""
        start = self._start(head)
        if start is not None:
            self._size = len(body)
            if self._chunked:
                body = (chunk(body) if body else b"") + last_chunk(trailers)
            self._client.write(start + body)
            self._finish(keep=self._keep)
        elif self._held is not None:
            if body:
                self.on_data(body)
            self.on_end(trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """The response begins."""
        start = self._start(head)
        if start is not None:
            self._client.write(start)
            self._begin_stream()

    def on_data(self, data: bytes) -> None:
        """A piece of the body."""
        if self._held is not None:
            self._held.append(partial(self.on_data, data))
        elif not self._done:
            self._size += len(data)
            self._client.write(chunk(data) if self._chunked else data)
            if self._tail is not None:
                self._tail = (self._tail + data if len(data) < _MARK else data)[-_MARK:]
                if self._ending:
                    self.end_stream(at_once=False)

    def on_end(self, trailers: Headers) -> None:
        """The response is complete."""
        if self._held is not None:
            self._held.append(partial(self.on_end, trailers))
        elif not self._done:
            if self._chunked:
                self._client.write(last_chunk(trailers))
            self._finish(keep=self._keep)

    def on_error(self, error: UpstreamError) -> None:
        """There is no complete response."""
        if self._held is not None:
            self._held.append(partial(self.on_error, error))
        elif not self._done:
            self._services.recorder.upstream_failed(self._exchange, error)
            if self._exchange.response is None:
                self._refuse(error)
            else:
                self._break_off()

    @abstractmethod
    def pause_writing(self) -> None:
        """The upstream takes no more of the request's body for now."""

    @abstractmethod
    def resume_writing(self) -> None:
        """The upstream takes the request's body (again)."""

    # What the client connection calls.

    def pause(self) -> None:
        """The client takes no more for now."""
        self._paused = True
        if self._call is not None:
            self._call.pause_reading()

    def resume(self) -> None:
        """The client takes more."""
        self._paused = False
        if self._call is not None and self._held is None:
            self._call.resume_reading()

    # The head.

    def _start(self, head: ResponseHead) -> bytes | None:
        """The head as the client gets it. None: hooks must be waited for, or one has failed."""
        exchange = self._exchange
        request = exchange.request
        self._keep = self._keep and not self._client.closing
        pipeline, added = exchange.route.pipeline, exchange.added_response_headers
        head_only = pipeline.head_only_on_response
        try:
            if head.has_urls:
                head = with_public_urls(head, exchange)
            if (
                isinstance(head, CachedResponseHead)
                and not pipeline.sees_answers
                and request.method != "HEAD"
                and request.version >= _HTTP_1_1
            ):
                exchange.response = head
                self._chunked = head.length is None
                self._status, start = render_cached(head, head_only, added, keep_alive=self._keep)
                return start
            exchange.response = seen = head_for_plugins(head, head_only, added)
            waiting = run_hooks(pipeline.on_response, exchange)
        except Exception as error:  # whatever a plugin raises ends the request, and nothing gets out
            self._fail(error)
            return None
        if inspect.isawaitable(waiting):
            self._hold_back(waiting, head, seen)
            return None
        return self._rendered(head, seen)

    def _rendered(self, head: ResponseHead, seen: ResponseHead) -> bytes:
        """What plugins have made of the head."""
        request = self._exchange.request
        self._status = seen.status
        if isinstance(head, CachedResponseHead) and request.method != "HEAD" and request.version >= _HTTP_1_1:
            self._chunked = head.length is None
            return render_changed(head, seen, keep_alive=self._keep)
        framing = response_framing(request.method, request.version, head)
        self._chunked = framing.body is BodyDelimiter.CHUNKED
        if framing.must_close:
            self._keep, self._ends_by_close = False, True
        return response_head(seen, framing, keep_alive=self._keep, version=request.version)

    def _hold_back(self, waiting: Awaitable[object], head: ResponseHead, seen: ResponseHead) -> None:
        self._held = []
        if self._call is not None:
            self._call.pause_reading()
        self._task = run_eagerly(self._after_hooks(waiting, head, seen))

    async def _after_hooks(self, waiting: Awaitable[object], head: ResponseHead, seen: ResponseHead) -> None:
        try:
            await waiting
        except Exception as error:  # as in `_start`
            self._fail(error)
            return
        held, self._held = self._held or [], None
        self._client.write(self._rendered(head, seen))
        self._begin_stream()
        for event in held:
            event()
        if self._call is not None and not self._paused:
            self._call.resume_reading()

    # How it ends.

    def _begin_stream(self) -> None:
        """The head is out, and the body has not come whole."""
        self._end_with_token()
        response = self._exchange.response
        if response is not None and response.is_event_stream:
            self._tail = b""

    def end_stream(self, *, at_once: bool) -> None:
        """The gateway shuts down: ends a stream of events between two of them, so that its client connects
        anew. One that answers another request than GET has an end of its own, and has time until then.
        """
        if self._tail is None or self._done or self._held is not None:
            return
        if not at_once:
            if self._exchange.request.method != "GET":
                return
            if self._tail and not self._tail.endswith(_BETWEEN_EVENTS):
                self._ending = True
                return
        if self._call is not None and not self._call.done:
            self._call.abort()
        if self._chunked:
            self._client.write(last_chunk([]))
            self._finish(keep=False)
        elif self._ends_by_close:
            self._finish(keep=False)
        else:
            self._break_off()

    def _end_with_token(self) -> None:
        """From now on the response ends when its token does, on routes that want it so."""
        if not self._exchange.route.end_with_token:
            return
        wait = token_end(self._exchange, self._services)
        if wait is not None:
            self._token_end = create_task(self._end_after(wait), name="end of the token")

    async def _end_after(self, wait: Callable[[], Awaitable[None]]) -> None:
        await wait()
        self._token_end = None
        if not self._done:
            if self._call is not None and not self._call.done:
                self._call.abort()
            self._break_off()

    def _stop_waiting(self) -> None:
        """The response is over: what happens to its token is of no interest any more."""
        if self._token_end is not None:
            self._token_end.cancel()
            self._token_end = None

    def _fail(self, error: Exception) -> None:
        """A hook has failed: the upstream's response is not shown."""
        self._held = None
        if self._call is not None and not self._call.done:
            self._call.abort()
        if not self._done:
            self._refuse(error)

    def _break_off(self) -> None:
        """A response that is not complete is never made to look so."""
        self._held = None
        if self._ends_by_close:
            # A FIN would be the body's end.
            self._client.reset()
        else:
            self._client.abort()
        self._finish(keep=False)

    def _give_up(self) -> None:
        """Ends what is under way: with the upstream, and in a task."""
        # The task will hold an error whose traceback leads here.
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if self._call is not None and not self._call.done:
            self._call.abort()


def token_end(exchange: Exchange, services: ProxyServices) -> Callable[[], Awaitable[None]] | None:
    """What waits for the end of the request's token; None: the route does not end with it."""
    route = exchange.route
    if not (route.end_with_token and route.protected):
        return None
    presented = presented_credentials(exchange.request, route)
    if isinstance(presented, AuthError):
        return None
    return partial(services.token_ended, presented.token, route.issuers)
