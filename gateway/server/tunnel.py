"""A connection that has become a tunnel: raw bytes both ways, until an end closes or the token ends.

Bytes are written to the other end where they arrive. An end that takes no more keeps the other one from being
read, and so nothing is queued but what their transports hold.

A WebSocket whose token has ended gets a close frame with 1008 at the end of a frame, and 1001 when the
gateway shuts down (RFC 6455 section 7.4.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.http.exchange import Headers
from gateway.http.websocket_frames import (
    GOING_AWAY_CODE,
    POLICY_VIOLATION,
    FrameFollower,
    close_frame,
)
from gateway.upstream.errors import UpstreamError
from gateway.upstream.tunnel import AfterUpgrade, Tunnel


@dataclass(frozen=True, slots=True)
class EarlyClose:
    """How a WebSocket is closed before its ends do so."""

    frame: bytes
    """The close frame."""
    patience: float
    """Seconds that the present frame may take to its end, behind which the close frame goes."""


TOKEN_ENDED = EarlyClose(close_frame(POLICY_VIOLATION, "the access token has ended"), 0.05)
GOING_AWAY = EarlyClose(close_frame(GOING_AWAY_CODE, "the gateway is shutting down"), 1.0)
LINGERING = 1.0
"""Seconds in which a client may close its end behind a close frame."""


class TunnelClient(Protocol):
    """The client's connection, as far as a tunnel needs it."""

    @property
    def connected(self) -> bool:
        """Whether anything can still be sent."""

    def pause(self) -> None:
        """Reads no more for now."""

    def resume(self) -> None:
        """Reads on."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    def write_end(self) -> bool:
        """Says that no more bytes follow. False: the connection can't (TLS)."""


class TunnelRelay(AfterUpgrade):
    """Carries bytes both ways, until both ends have sent their last or one breaks.

    It is the handler of the upstream's bytes, and the client's connection holds it back as it does what
    writes a response.
    """

    __slots__ = (
        "_client",
        "_client_done",
        "_closing",
        "_frames",
        "_news",
        "_over",
        "_tunnel",
        "_upstream_done",
        "_upstream_gone",
        "carried",
    )

    def __init__(self, client: TunnelClient, tunnel: Tunnel, frames: FrameFollower | None = None) -> None:
        """`frames` follows what the upstream sends, where that is a WebSocket."""
        self._client = client
        self._tunnel = tunnel
        self._frames = frames
        self._client_done = self._upstream_done = False
        """Whether an end has sent its last byte."""
        self._upstream_gone = False
        """Whether it reads no more, either."""
        self._over: asyncio.Future[EarlyClose | None] = asyncio.get_running_loop().create_future()
        self._closing = False
        """Whether a WebSocket is being ended: only the rest of its present frame passes."""
        self._news: asyncio.Future[None] | None = None
        """Where `run` waits meanwhile."""
        self.carried = 0
        """Bytes that went to the client."""

    async def run(self, ended: Callable[[], Awaitable[None]] | None) -> int:
        """Waits for the end of the tunnel, or brings it about when `ended` returns (None: nothing does).

        Returns how many bytes went to the client.
        """
        watching = None if ended is None else asyncio.ensure_future(self._end_after(ended))
        watched = False
        try:
            early = await self._over
            if early is not None:
                await self._end_websocket(early)
        finally:
            self._tunnel.close()
            watched = watching is not None and not watching.cancel()
        if watching is not None and watched:
            watching.result()
        return self.carried

    async def _end_after(self, ended: Callable[[], Awaitable[None]]) -> None:
        try:
            await ended()
        finally:
            self._end(TOKEN_ENDED)

    def _end(self, early: EarlyClose | None = None) -> None:
        if self._over.done():
            return
        # Behind the upstream's last byte, and in another protocol, there is no place for a frame.
        if self._frames is None or self._upstream_done:
            early = None
        self._closing = early is not None
        self._over.set_result(early)

    # What the client's connection calls.

    def client_sent(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._upstream_gone:
            self._end()
        elif not self._closing:
            self._tunnel.write(data)

    def client_ended(self) -> None:
        """The client has sent its last byte, or is gone."""
        self._client_done = True
        if self._closing:
            self._wake()
        elif self._upstream_done or not self._client.connected or not self._tunnel.write_end():
            self._end()

    def pause(self) -> None:
        """The client takes no more for now."""
        self._tunnel.pause()

    def resume(self) -> None:
        """The client takes more."""
        self._tunnel.resume()

    def end_stream(self, *, at_once: bool) -> None:
        """The gateway shuts down. What is no WebSocket can't be told, and has its time."""
        if self._frames is not None:
            self._end(GOING_AWAY)

    # What the upstream's connection calls.

    def on_data(self, data: bytes) -> None:
        """Bytes from the upstream. None: it has sent its last, and still reads."""
        if not data:
            self._upstream_ended()
            return
        if self._closing:
            data = self._rest_of_frame(data)
        elif self._frames is not None:
            self._frames.feed(data)
        self.carried += len(data)
        self._client.write(data)

    def on_end(self, trailers: Headers) -> None:
        """The upstream is gone. The client may not know yet, and is heard until it sends or ends."""
        self._upstream_gone = True
        self._upstream_ended()

    def on_error(self, error: UpstreamError) -> None:
        """It broke, or was silent for too long."""
        self._upstream_gone = self._upstream_done = True
        self._wake()
        self._end()

    def pause_writing(self) -> None:
        """The upstream takes no more for now."""
        self._client.pause()

    def resume_writing(self) -> None:
        """The upstream takes more."""
        self._client.resume()

    def _upstream_ended(self) -> None:
        if self._upstream_done:
            return
        self._upstream_done = True
        if self._closing:
            self._wake()
        elif not self._client.write_end() or self._client_done:
            self._end()

    # How a WebSocket is ended.

    async def _end_websocket(self, early: EarlyClose) -> None:
        """Sends a close frame behind the present one, if that ends in time."""
        frames, client = self._frames, self._client
        assert frames is not None  # noqa: S101 (for mypy: only a WebSocket is closed early)
        await self._until(lambda: frames.between_frames or self._upstream_done, early.patience)
        if frames.between_frames and not frames.closed:
            client.write(early.frame)
        self._tunnel.close()
        client.write_end()
        # Bytes that nobody reads would make the end a reset, and a client that is reset may lose the frame.
        client.resume()
        await self._until(lambda: self._client_done, LINGERING)

    async def _until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Waits until it is so, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not reached():
                    self._news = asyncio.get_running_loop().create_future()
                    await self._news

    def _rest_of_frame(self, data: bytes) -> bytes:
        """What of these bytes belongs to the present frame, and may still go to the client."""
        frames = self._frames
        if frames is None or frames.between_frames:
            return b""
        rest = data[: frames.feed(data, one_frame=True)]
        self._wake()
        return rest

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
