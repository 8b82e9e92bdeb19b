"""An upstream whose responses can be awaited: for tests, which read as a dialogue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.settings import Timeouts
from gateway.upstream.tunnel import Tunnel
from gateway.upstream.upload import Upload, declared_length
from gateway.upstream.upstream import Upstream
from gateway.upstream.upstream_call import UpstreamCall

HIGH_WATER = 256 * 1024
"""Bytes held for a slow consumer, from which on the upstream is no longer read."""
LOW_WATER = 64 * 1024

Informed = Callable[[ResponseHead], None]
"""Takes the head of a 1xx answer."""


class Receiver:
    """A sink that coroutines wait at. One of them waits for what comes in, and one for room to write."""

    head: ResponseHead
    framing: UpstreamFraming
    call: UpstreamCall | None = None
    """None once it is over. The two know each other: else only the garbage collector would find them."""

    def __init__(self, upload: Upload | None, informed: Informed | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._upload = upload
        self._informed = informed
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._paused = False
        self._has_head = False
        self._waker: asyncio.Future[None] | None = None
        self.tunnel: Tunnel | None = None
        self.room = asyncio.Event()
        """Set while the upstream takes bytes, and once it never will again."""
        self.trailers: Headers = []
        self.complete = False
        self.error: BaseException | None = None

    # For those who wait.

    async def wait_for_head(self) -> None:
        """Returns when `head` and `framing` are known; raises `error` if they never will be."""
        while not self._has_head:
            await self._wait()

    async def next_piece(self) -> bytes | None:
        """The next piece of the body; None at its end. Raises `error` where the body breaks off."""
        while not self._pieces:
            if self.complete:
                return None
            await self._wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused and self._held <= LOW_WATER:
            self._paused = False
            if self.call is not None:
                self.call.resume_reading()
        return piece

    def take_all(self) -> bytes | None:
        """The rest of the body if it is all here, else None."""
        if not self.complete:
            return None
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body

    def break_off(self, error: BaseException) -> None:
        """There will be no complete answer."""
        if self.error is None and not self.complete:
            self.error = error
            self._wake()
            self.room.set()

    # What the call tells.

    def on_informational(self, head: ResponseHead) -> None:
        """A 1xx."""
        if self._informed is not None:
            self._informed(head)

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """All at once."""
        if body:
            self._pieces.append(body)
            self._held += len(body)
        self.on_head(head, framing)
        self.on_end(trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """The head."""
        self.head = head
        self.framing = framing
        self._has_head = True
        if framing is UpstreamFraming.UPGRADE and self.call is not None:
            self.tunnel = Tunnel(self.call)
        self._wake()

    def on_data(self, data: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER and not self._paused:
            self._paused = True
            if self.call is not None:
                self.call.pause_reading()
        self._wake()

    def on_end(self, trailers: Headers) -> None:
        """The end. An upload that is still going on has no reader any more."""
        self.trailers = trailers
        self.complete = True
        self._over()

    def on_error(self, error: UpstreamError) -> None:
        """No (whole) answer."""
        self.break_off(error)
        self._over()

    def pause_writing(self) -> None:
        """The upstream takes no more for now."""
        self.room.clear()

    def resume_writing(self) -> None:
        """The upstream takes more."""
        self.room.set()

    def _over(self) -> None:
        self.call = None
        if self._upload is not None:
            self._upload.cancel()
        self._wake()
        self.room.set()

    async def _wait(self) -> None:
        if self.error is not None:
            raise self.error
        self._waker = self._loop.create_future()
        try:
            await self._waker
        finally:
            self._waker = None

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)


class UpstreamResponse:
    """An upstream's answer. Iterate over it for the body, then `close`; or use it with `async with`.

    Closing before the end ends the exchange with the upstream at once, and so does cancelling the task that
    waits for a piece.
    """

    def __init__(self, call: UpstreamCall, receiver: Receiver, upload: Upload | None) -> None:
        self._call = call
        self._receiver = receiver
        self._upload = upload

    async def wait_for_head(self) -> UpstreamResponse:
        """Waits until the head is here; what goes wrong meanwhile ends the exchange."""
        try:
            await self._receiver.wait_for_head()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def head(self) -> ResponseHead:
        """The status line and headers, as they came."""
        return self._receiver.head

    @property
    def framing(self) -> UpstreamFraming:
        """How the upstream tells the body's end."""
        return self._receiver.framing

    @property
    def trailers(self) -> Headers:
        """The trailer section of a chunked answer; known once the body has been read."""
        return self._receiver.trailers

    @property
    def upgraded(self) -> Tunnel | None:
        """The raw bytes both ways after 101, else None."""
        return self._receiver.tunnel

    def take_whole(self) -> bytes | None:
        """The rest of the body if it has all arrived, so that it can go out in one write. Else None."""
        return self._receiver.take_all()

    async def read(self) -> bytes:
        """The rest of the body, however large it is."""
        return b"".join([piece async for piece in self])

    def __aiter__(self) -> UpstreamResponse:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._receiver.next_piece()
        except BaseException:
            self.close()
            raise
        if piece is None:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """Ends the exchange if it is not over. A finished one has already given its connection back."""
        if self._upload is not None:
            self._upload.cancel()
        if not self._call.done:
            self._call.abort()

    async def __aenter__(self) -> UpstreamResponse:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FetchingUpstream(Upstream):
    """Adds `fetch`."""

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
            head, method, timeouts or self.settings.timeouts, upload is not None, chunked, upgrade, key=key
        )
        call = receiver.call = self.begin(receiver, request)
        if upload is not None:
            upload.start(call, receiver.room, receiver.break_off)
        return await UpstreamResponse(call, receiver, upload).wait_for_head()


def _with_body(head: bytes, body: bytes, *, chunked: bool) -> bytes:
    if not chunked:
        return head + body
    last = b"0\r\n\r\n"
    return head + (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + last
