"""An upstream: a name for some servers that can all answer the same requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.upstream.call import Call
from gateway.upstream.dispatch import Dispatcher
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.health import HealthChecker
from gateway.upstream.receiver import Informed, Receiver
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.server import Server
from gateway.upstream.settings import HealthSettings, Timeouts, UpstreamSettings
from gateway.upstream.sink import Sink
from gateway.upstream.stream import UpstreamResponse
from gateway.upstream.upload import Upload, declared_length

_DRAIN_STEP = 0.02  # seconds between looks at what is still in flight


class Upstream:
    """Sends requests to its servers. `start` it first; `stop` it last."""

    def __init__(self, name: str, settings: UpstreamSettings, *, lookup: Lookup = look_up) -> None:
        self.name = name
        self.settings = settings
        self._lookup = lookup
        self.servers: tuple[Server, ...] = ()
        """Known once it is started."""
        self._dispatcher: Dispatcher | None = None
        self._checks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Makes ready; opens no connection yet.

        Raises:
            ValueError: a server's URL is wrong, or its path differs from the others'.
            OSError: a TLS file can't be used.
        """
        settings = self.settings
        self.servers = tuple(Server(server, settings, lookup=self._lookup) for server in settings.servers)
        if len({server.address.base_path for server in self.servers}) > 1:
            raise ValueError(f"the servers of {self.name} must have the same path in their URLs")
        self._dispatcher = Dispatcher(self.servers, settings)
        if settings.health is not None:
            self._checks = [_check(server, settings.health) for server in self.servers]

    async def stop(self, drain: float = 0.0) -> None:
        """Takes no more requests, waits up to `drain` seconds for those in flight, then ends them."""
        for task in self._checks:
            task.cancel()
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + drain
        while self.active and loop.time() < until:  # noqa: ASYNC110 (an event would cost every request)
            await asyncio.sleep(_DRAIN_STEP)
        for server in self.servers:
            server.close(at_once=True)

    @property
    def active(self) -> int:
        """Requests in flight."""
        return sum(server.active for server in self.servers)

    def begin(self, sink: Sink, request: UpstreamRequest) -> Call:
        """Sends a request, without waiting; `sink` hears of the answer, never before this returns.

        Where a body follows, it comes by the call's `write` and `write_end`, from `resume_writing` on.

        Raises:
            UpstreamUnavailable: there is nobody to send it to; the sink hears nothing.
        """
        if self._dispatcher is None:
            raise UpstreamUnavailable("not started")
        self._dispatcher.budget.earn()
        call = Call(self._dispatcher, sink, request)
        call.go_to(self._dispatcher.choose(request.key))
        return call

    async def fetch(
        self,
        head: bytes,
        method: str,
        body: AsyncIterator[bytes] | bytes | None = None,
        *,
        chunked: bool = False,
        upgrade: bool = False,
        key: bytes = b"",
        timeouts: Timeouts | None = None,
        on_informational: Informed | None = None,
    ) -> UpstreamResponse:
        """Sends a request and waits for the answer's head.

        Args:
            head: request line and headers, with the empty line; it says how long the body is.
            method: as in the head.
            body: all of it, or an iterator of its pieces. What the iterator raises ends the exchange and is
                raised here, or where the answer's body is read.
            chunked: the head says `Transfer-Encoding: chunked`. Else a streamed body needs Content-Length.
            upgrade: the head asks for another protocol.
            key: what `balance: hash` goes by.
            timeouts: in place of the upstream's own.
            on_informational: takes 1xx answers.

        Raises:
            UpstreamError: no answer; which kind says whether 502, 503 or 504 is due.
        """
        upload = None
        if isinstance(body, bytes):
            head = _with_body(head, body, chunked=chunked)
        elif body is not None:
            upload = Upload(body, None if chunked else declared_length(head) or 0)
        receiver = Receiver(upload, on_informational)
        request = UpstreamRequest(
            head, method, timeouts or self.settings.timeouts, upload is not None, chunked, upgrade, key
        )
        call = receiver.call = self.begin(receiver, request)
        if upload is not None:
            upload.start(call, receiver.room, receiver.break_off)
        return await UpstreamResponse(call, receiver, upload).wait_for_head()


def _check(server: Server, settings: HealthSettings) -> asyncio.Task[None]:
    checker = HealthChecker(settings, server.address, server.connector, server.questioned)
    return asyncio.get_running_loop().create_task(checker.run())


def _with_body(head: bytes, body: bytes, *, chunked: bool) -> bytes:
    if not chunked:
        return head + body
    last = b"0\r\n\r\n"
    return head + (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + last
