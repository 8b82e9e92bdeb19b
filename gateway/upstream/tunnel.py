"""The two streams of raw bytes that an upgraded connection has become (RFC 9110 section 7.8)."""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamBroken, UpstreamError
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.upstream_call import UpstreamCall

HIGH_WATER = 256 * 1024
"""Bytes held for a slow reader, from which on the upstream is no longer read."""
LOW_WATER = 64 * 1024


class Tunnel:
    """A duplex with the upstream. One coroutine may read while another writes.

    After 101 it takes the place of the call's `ResponseHandler` (`UpstreamCall.hand_over`).
    """

    def __init__(self, call: UpstreamCall) -> None:
        self._call = call
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._paused = self._ended = self._read_all = False
        self._error: UpstreamError | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def read(self) -> bytes:
        """The next bytes; empty when no more will come.

        Raises:
            UpstreamError: it broke or was silent for too long.
        """
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._ended or self._read_all:
                return b""
            self._news.clear()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused and self._held <= LOW_WATER:
            self._paused = False
            self._call.resume_reading()
        return piece

    async def write(self, data: bytes) -> None:
        """Sends bytes, and waits while the upstream is slow to take them.

        Raises:
            UpstreamError: the upstream is gone.
        """
        self._call.write(data)
        await self._room.wait()
        if self._error is not None:
            raise self._error
        if self._ended:
            raise UpstreamBroken("the upstream has closed the tunnel")

    def write_end(self) -> bool:
        """Says that no more bytes follow. False: the connection can't, and is to be closed (TLS)."""
        if self._ended or self._error is not None or not self._call.can_half_close:
            return False
        self._call.write_end()
        return True

    def close(self) -> None:
        """Ends the tunnel both ways."""
        if not self._call.done:
            self._call.abort()

    # What the upstream's connection calls.

    def on_data(self, data: bytes) -> None:
        """Bytes from the upstream. None: it has sent its last."""
        if not data:
            self._read_all = True
            self._news.set()
            return
        self._pieces.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER and not self._paused:
            self._paused = True
            self._call.pause_reading()
        self._news.set()

    def on_end(self, trailers: Headers) -> None:
        """The upstream has ended the tunnel."""
        self._ended = True
        self._wake()

    def on_error(self, error: UpstreamError) -> None:
        """It broke."""
        self._error = error
        self._wake()

    def pause_writing(self) -> None:
        """The upstream takes no more for now."""
        self._room.clear()

    def resume_writing(self) -> None:
        """The upstream takes more."""
        self._room.set()

    def _wake(self) -> None:
        self._news.set()
        self._room.set()

    # Not called after 101: there is no further response.

    def on_informational(self, head: ResponseHead) -> None:
        """Nothing."""

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """Nothing."""

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """Nothing."""
