"""Request mirroring: a share of a route's requests is sent to another upstream as well.

The copy is sent and forgotten. Its response is thrown away, and nothing that happens to it slows or fails the
request itself. A body is copied as it passes, up to a limit; a request with a larger one is not mirrored.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.http.exchange import Headers, ResponseHead
from gateway.http.response_framing import chunk, last_chunk
from gateway.http.route import RouteUpstream
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import EXPECT_LINE, UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.upstream_call import UpstreamCall

log = logging.getLogger("gatepost")

MAX_IN_FLIGHT = 100
"""Copies of one route and worker that are under way; no more are made meanwhile."""
MAX_RESPONSE = 1024 * 1024
"""Bytes of a response that are read, so that its connection can be used again; a longer one is broken off."""
BUSY, TOO_LARGE, UNAVAILABLE = "busy", "body", "unavailable"
"""Why a request has no copy."""
_TARGET_OF_LINE = re.compile(rb"[^ ]+ ([^ ]*)")
_HOST_LINE = re.compile(rb"\r\nhost: ?([^\r\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MirrorTarget:
    """Where copies go."""

    upstream: RouteUpstream
    base_path: bytes
    """What its servers' URLs put before every path."""
    host_header: bytes | None
    """The Host for it; None: that of the request."""


class Mirror:
    """The copies of one route's requests."""

    def __init__(
        self,
        target: MirrorTarget,
        percent: float,
        max_body: int,
        draw: Callable[[], float] = random.random,
        dropped: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """`max_body`: bytes of a body that is copied. `dropped` hears why a request has no copy."""
        self.dropped = dropped
        self._target = target
        self._percent = percent
        self._max_body = max_body
        self._draw = draw
        self.in_flight = 0

    def __str__(self) -> str:
        return f"{self._percent:g} % to {self._target.upstream.name}"

    def copy(self, request: UpstreamRequest, base_path: bytes, body_size: int) -> RequestCopy | None:
        """The copy of a request, or None where it is not to be mirrored.

        Args:
            request: what goes to the route's own upstream.
            base_path: what that upstream's URL has put before the path.
            body_size: bytes of the body that are in the request's head.
        """
        if request.upgrade or self._draw() * 100 >= self._percent:
            return None
        if body_size > self._max_body:
            self.dropped(TOO_LARGE)
            return None
        return RequestCopy(self, self._addressed(request, base_path), self._max_body)

    def send(self, request: UpstreamRequest) -> None:
        """Sends a whole request. Whatever is wrong with it is in the log alone."""
        if self.in_flight >= MAX_IN_FLIGHT:
            log.debug("request not mirrored: %d copies are under way", self.in_flight)
            self.dropped(BUSY)
            return
        try:
            handler = _ResponseDiscarder(self)
            handler.call = self._target.upstream.begin(handler, request)
            self.in_flight += 1
        except Exception as error:  # the mirror must never fail the request that it copies
            log.debug("request not mirrored: %s", error)
            self.dropped(UNAVAILABLE)

    def _addressed(self, request: UpstreamRequest, base_path: bytes) -> UpstreamRequest:
        """The request with the mirror's base path and Host."""
        head, target = request.head, self._target
        if base_path != target.base_path and (line := _TARGET_OF_LINE.match(head)) is not None:
            path = line[1].removeprefix(base_path)
            head = head[: line.start(1)] + target.base_path + path + head[line.end(1) :]
        host = None if target.host_header is None else _HOST_LINE.search(head, 0, head.index(b"\r\n\r\n"))
        if host is not None and target.host_header is not None:
            head = head[: host.start(1)] + target.host_header + head[host.end(1) :]
        timeouts = target.upstream.settings.timeouts
        return replace(request, head=head, timeouts=timeouts, session=None, key=b"", copy=None)


class RequestCopy:
    """One copy: sent at once, or when the body has passed."""

    __slots__ = ("_left", "_mirror", "_pieces", "_request")

    def __init__(self, mirror: Mirror, request: UpstreamRequest, max_body: int) -> None:
        self._mirror = mirror
        self._request: UpstreamRequest | None = request
        self._left = max_body
        self._pieces: list[bytes] = []

    def begin(self) -> None:
        """The request goes upstream."""
        request = self._request
        if request is not None and not request.body_follows:
            self._request = None
            self._mirror.send(request)

    def write(self, data: bytes) -> None:
        """A piece of the body has been sent."""
        if self._request is None:
            return
        self._left -= len(data)
        if self._left < 0:
            self._request = None
            self._pieces.clear()
            self._mirror.dropped(TOO_LARGE)
        else:
            self._pieces.append(data)

    def write_end(self) -> None:
        """The body is complete."""
        request, self._request = self._request, None
        if request is None:
            return
        body = b"".join(self._pieces)
        if request.chunked:
            body = (chunk(body) if body else b"") + last_chunk([])
        # The body comes with the head: the mirror has nothing to wait for.
        head = request.head.replace(EXPECT_LINE, b"", 1) if request.expects_continue else request.head
        self._mirror.send(
            replace(request, head=head + body, body_follows=False, chunked=False, expects_continue=False)
        )


class _ResponseDiscarder:
    """Takes a response and throws it away."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._size = 0
        self.call: UpstreamCall | None = None

    def on_informational(self, head: ResponseHead) -> None:
        """Thrown away."""

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        self._end()

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """Thrown away."""

    def on_data(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_RESPONSE and self.call is not None:
            self.call.abort()
            self._end()

    def on_end(self, trailers: Headers) -> None:
        self._end()

    def on_error(self, error: UpstreamError) -> None:
        log.debug("mirrored request failed: %s", error.describe())
        self._end()

    def pause_writing(self) -> None:
        """The whole request has been written."""

    def resume_writing(self) -> None:
        """The whole request has been written."""

    def _end(self) -> None:
        self.call = None
        self._mirror.in_flight -= 1
