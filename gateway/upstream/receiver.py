"""Holds what comes back from an upstream until a coroutine fetches it, and holds the upstream back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.call import Call
from gateway.upstream.errors import UpstreamError
from gateway.upstream.sink import Framing
from gateway.upstream.upload import Upload

HIGH_WATER = 256 * 1024
"""Bytes held for a slow consumer, from which on the upstream is no longer read."""
LOW_WATER = 64 * 1024

Informed = Callable[[ResponseHead], None]
"""Takes the head of a 1xx answer."""


class Receiver:
    """A sink that coroutines wait at. One of them waits for what comes in, and one for room to write."""

    head: ResponseHead
    framing: Framing
    call: Call | None = None
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

    def on_whole(self, head: ResponseHead, framing: Framing, body: bytes, trailers: Headers) -> None:
        """All at once."""
        if body:
            self._pieces.append(body)
            self._held += len(body)
        self.on_head(head, framing)
        self.on_end(trailers)

    def on_head(self, head: ResponseHead, framing: Framing) -> None:
        """The head."""
        self.head = head
        self.framing = framing
        self._has_head = True
        if framing is Framing.UPGRADE:
            self.room.set()
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
