"""Responses whose bodies plugins change while they stream (`on_stream`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from gateway.http.body import mark_filtered, without_digests
from gateway.http.body_hook import BodyFilter
from gateway.http.exchange import Exchange, Headers, Response, ResponseHead
from gateway.http.problems import Problem
from gateway.http.response_framing import NO_BODY, declared_length, response_framing
from gateway.http.responses import reason_phrase
from gateway.server.client_connection import ClientConnection
from gateway.upstream.errors import UpstreamError
from gateway.upstream.response_handler import UpstreamFraming
from gateway.web.aiohttp_response import AiohttpResponse
from gateway.web.proxy_services import ProxyServices
from gateway.web.request_body import ContinueSignal

_NOT_MODIFIED: Final = 304
_SERVER_ERROR: Final = 500
log = logging.getLogger("gatepost")


class FilteredResponse(AiohttpResponse):
    """What no plugin filters is passed on as it comes."""

    __slots__ = ("_filters", "_out")

    def __init__(
        self,
        services: ProxyServices,
        exchange: Exchange,
        connection: ClientConnection,
        *,
        keep_alive: bool,
        signal: ContinueSignal | None = None,
    ) -> None:
        """As in `AiohttpResponse`."""
        super().__init__(services, exchange, connection, keep_alive=keep_alive, signal=signal)
        self._filters: Sequence[BodyFilter] = ()
        self._out = False
        """Whether a plugin's response is out in its place: what still comes is dropped."""

    # What the upstream's connection calls.

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """The whole response at once."""
        super().on_head(head, framing)
        if body:
            self.on_data(body)
        self.on_end(trailers)

    def on_data(self, data: bytes) -> None:
        """A piece of the body. While hooks of `on_response` run it is held as it came."""
        if self._held is None and not self._done:
            data = b"" if self._out else self._passed(data)
        if data:
            super().on_data(data)

    def on_end(self, trailers: Headers) -> None:
        """The response is complete."""
        if self._held is None and not self._done and (rest := self._passed(b"", last=True)):
            super().on_data(rest)
        super().on_end(without_digests(trailers) if _change(self._filters) else trailers)

    def on_error(self, error: UpstreamError) -> None:
        """There is no complete response, unless that of a plugin is out."""
        if not self._out:
            super().on_error(error)
        elif not self._done:
            self._finish(keep=False)

    # The head.

    def _rendered(self, head: ResponseHead, seen: ResponseHead) -> bytes:
        exchange = self._exchange
        try:
            filters, answer = _begun(exchange, declared_length(head))
        except Exception as error:  # whatever a plugin raises ends the request, and nothing gets out
            self._fail(error)
            return b""
        if answer is not None:
            return self._replaced(filters, answer.body)
        if not filters:
            return super()._rendered(head, seen)
        bare = _without_length(head)
        if response_framing(exchange.request.method, exchange.request.version, bare) is not NO_BODY:
            self._filters = filters
        return super()._rendered(bare if _change(filters) else head, seen)

    def _replaced(self, filters: Sequence[BodyFilter], body: bytes) -> bytes:
        """A plugin's response in place of the upstream's."""
        self._out = True
        request, seen = self._exchange.request, self._exchange.response
        assert seen is not None  # noqa: S101 (for mypy: `_begun` has set it)
        if request.method == "HEAD" or seen.status == _NOT_MODIFIED:
            return super()._rendered(ResponseHead(seen.status, b"", []), seen)
        content = _through(filters, body, last=True)
        self._size = len(content)
        framed = ResponseHead(seen.status, b"", [(b"Content-Length", b"%d" % len(content))])
        return super()._rendered(framed, seen) + content

    def _begin_stream(self) -> None:
        if not self._done:
            super()._begin_stream()

    def _passed(self, data: bytes, *, last: bool = False) -> bytes:
        """What the filters make of a piece, and of the end."""
        try:
            return _through(self._filters, data, last=last)
        except Exception as error:  # the head is out: all that is left is to show that it is broken
            path = self._exchange.route.path
            if isinstance(error, Problem):
                log.warning("%s: response broken off: %s", path, error)
            else:
                log.exception("%s: a plugin failed on a response's body", path)
            self._give_up()
            self._break_off()
            return b""


def filtered_answer(exchange: Exchange, answer: Response) -> Response:
    """A plugin's own response, filtered as one of the upstream's."""
    head = ResponseHead(answer.status, b"", list(answer.headers))
    framing = response_framing(exchange.request.method, exchange.request.version, head)
    exchange.response = head
    filters, _ = _begun(exchange, len(answer.body))
    body = answer.body if framing is NO_BODY else _through(filters, answer.body, last=True)
    return Response(head.status, body, head.headers, answer.close)


def _begun(exchange: Exchange, length: int | None) -> tuple[list[BodyFilter], Response | None]:
    """The filters that plugins put in the way of the body, whose head is changed accordingly; and the
    response that one of them gives in its place, which those behind it see.
    """
    filters: list[BodyFilter] = []
    answer: Response | None = None
    for hook in exchange.route.pipeline.on_stream:
        found = hook(exchange, length)
        if isinstance(found, Response):
            if exchange.response is None or not _is_replaceable(exchange.response.status):
                raise TypeError("on_stream can give a Response in place of a 304 or 5xx only")
            answer, filters, length = found, [], len(found.body)
            headers = found.headers + exchange.added_response_headers
            exchange.response = ResponseHead(found.status, reason_phrase(found.status), headers)
        elif found is not None:
            filters.append(found)
            if found.changes and exchange.response is not None:
                # At once: a plugin behind it sees the head of what it gets.
                mark_filtered(exchange.response)
                length = None
    return filters, answer


def _is_replaceable(status: int) -> bool:
    return status == _NOT_MODIFIED or status >= _SERVER_ERROR


def _change(filters: Sequence[BodyFilter]) -> bool:
    return any(one.changes for one in filters)


def _without_length(head: ResponseHead) -> ResponseHead:
    headers = [item for item in head.headers if item[0].lower() != b"content-length"]
    return ResponseHead(head.status, head.reason, headers, head.version)


def _through(filters: Sequence[BodyFilter], data: bytes, *, last: bool) -> bytes:
    for one in filters:
        data = one.feed(data) if data else b""
        if last:
            data += one.finish()
    return data
