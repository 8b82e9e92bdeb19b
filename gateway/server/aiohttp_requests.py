"""The requests of a connection that aiohttp answers, one after the other: it gets their bytes, and no others.

aiohttp's handler, with its parser and its task, is made when a request first needs it.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.http.head_limits import RequestHeadLimits
from gateway.http.request_head import check_request_line
from gateway.server.aiohttp_handler import AiohttpHandler
from gateway.server.in_flight import FlowControlled
from gateway.server.request_splitter import RequestSplitter, head_limit


class AiohttpRequests:
    """Stands between a connection, which knows whose turn it is, and aiohttp's handler."""

    __slots__ = (
        "_handler",
        "_new_handler",
        "_request_line",
        "_splitter",
        "_target_limit",
        "began",
        "response",
    )

    def __init__(self, new_handler: Callable[[], AiohttpHandler], limits: RequestHeadLimits) -> None:
        self._new_handler = new_handler
        self._handler: AiohttpHandler | None = None
        self._splitter = RequestSplitter(head_limit(limits))
        self._target_limit = limits.target
        self._request_line: bytes | None = None
        """What has come of a request line that is not whole; None: aiohttp has it."""
        self.began = 0.0
        """When the first bytes of the request came."""
        self.response: FlowControlled | None = None
        """What the application answers a proxied request with."""

    # The bytes of a request.

    def begin(self, now: float) -> None:
        """The next byte is the first of a request."""
        self._splitter.begin()
        self._request_line = b""
        self.began = now

    def feed(self, data: bytes) -> bytes:
        """Gives aiohttp what belongs to its request.

        Returns:
            What is behind it.

        Raises:
            Problem: this is no request line. aiohttp has seen nothing of it.
        """
        if self._request_line is not None:
            # It is held back until it is whole: of a part, aiohttp's parser thinks otherwise.
            data = self._request_line + data
            whole = check_request_line(data, self._target_limit)
            self._request_line = None if whole else data
            if not whole:
                return b""
        if self._handler is None:
            self._handler = self._new_handler()
        share = self._splitter.take(data)
        if share:
            self._handler.data_received(data if share == len(data) else data[:share])
        return data[share:]

    def request_started(self) -> None:
        """aiohttp has a whole head, and begins to answer it."""
        self._splitter.request_started()

    def request_read(self, *, parsed: bool) -> bool:
        """Whether the request has come to its last byte, and aiohttp has no other.

        Args:
            parsed: aiohttp's parser has found its end and nothing behind it.
        """
        handler = self._handler
        return (
            handler is not None
            and not handler.has_unstarted_request
            and self._splitter.complete(parsed=parsed)
        )

    # What the client does.

    def pause_writing(self) -> None:
        """The client takes no more for now."""
        if self.response is not None:
            self.response.pause()
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """The client takes more."""
        if self.response is not None:
            self.response.resume()
        if self._handler is not None:
            self._handler.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        if self._handler is not None:
            self._handler.connection_lost(exc)

    # How it ends.

    def end_stream(self, *, at_once: bool) -> None:
        """Ends a response that would go on for ever. `at_once`: there is no time left."""
        if self.response is not None:
            self.response.end_stream(at_once=at_once)

    def close_after_response(self) -> bool:
        """The response is the last. False: there is none, since aiohttp has not seen a request yet."""
        if self._handler is None:
            return False
        self._handler.close()
        return True

    async def shutdown(self, timeout: float | None) -> None:  # noqa: ASYNC109 (as aiohttp's own)
        """Waits for what aiohttp answers, up to `timeout` seconds; then ends it."""
        if self._handler is not None:
            await self._handler.shutdown(timeout)
