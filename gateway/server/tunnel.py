"""A connection that has become a tunnel: raw bytes both ways, until an end closes or the token ends.

A WebSocket whose token has ended gets a close frame with 1008 at the end of a frame, and 1001 when the
gateway shuts down (RFC 6455 section 7.4.1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from gateway.http.websocket_frames import (
    GOING_AWAY_CODE,
    POLICY_VIOLATION,
    FrameFollower,
    close_frame,
)
from gateway.upstream.errors import UpstreamError
from gateway.upstream.tunnel import Tunnel

HIGH_WATER = 256 * 1024
"""Bytes held for a slow upstream, from which on the client is no longer read."""
REST_OF_FRAME = 0.05
"""Seconds that the present frame of a WebSocket may take to its end when the token has ended."""
TOKEN_ENDED = close_frame(POLICY_VIOLATION, "the access token has ended")
REST_OF_MESSAGE = 1.0
"""Seconds that the present frame may take when the gateway shuts down."""
GOING_AWAY = close_frame(GOING_AWAY_CODE, "the gateway is shutting down")
LINGERING = 1.0
"""Seconds in which a client may close its end behind a close frame."""


class TunnelClient(Protocol):
    """The client's connection, as far as a tunnel needs it."""

    def pause(self) -> None:
        """Reads no more for now."""

    def resume(self) -> None:
        """Reads on."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    async def drain(self) -> None:
        """Waits until the client has taken most of them."""

    def write_end(self) -> bool:
        """Says that no more bytes follow. False: the connection can't (TLS)."""


class ClientStream:
    """The bytes that the client sends into the tunnel."""

    def __init__(self, client: TunnelClient, first: bytes) -> None:
        self._client = client
        self._pieces: deque[bytes] = deque([first] if first else [])
        self._held = len(first)
        self._paused = False
        self._ended = False
        self._news = asyncio.Event()
        self.going_away = asyncio.Event()
        """Set when the gateway shuts down."""

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._pieces.append(data)
        self._held += len(data)
        self._news.set()
        if self._held > HIGH_WATER and not self._paused:
            self._paused = True
            self._client.pause()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._news.set()

    async def read(self) -> bytes:
        """The next bytes; empty when the client has closed."""
        while not self._pieces:
            if self._ended:
                return b""
            self._news.clear()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused and self._held <= HIGH_WATER // 4:
            self._paused = False
            self._client.resume()
        return piece


async def run_tunnel(
    client: TunnelClient,
    stream: ClientStream,
    tunnel: Tunnel,
    ended: Callable[[], Awaitable[None]],
    frames: FrameFollower | None = None,
) -> int:
    """Carries bytes both ways until both ends have sent their last, one breaks, or `ended` returns.

    Returns how many bytes went to the client. `frames` follows them, where that is a WebSocket.
    """
    down = _Downstream(client, tunnel, frames)

    async def up() -> bool:
        while data := await stream.read():
            await tunnel.write(data)
        return tunnel.write_end()

    running, sending = asyncio.ensure_future(down.run()), asyncio.ensure_future(up())
    token_ended = asyncio.ensure_future(ended())
    tasks: list[asyncio.Future[Any]] = [running, sending, token_ended]
    if frames is not None:
        tasks.append(asyncio.ensure_future(stream.going_away.wait()))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if _half_closed(done & {running, sending}) and len(done) == 1:
            done, _ = await asyncio.wait(set(tasks) - done, return_when=asyncio.FIRST_COMPLETED)
        if frames is not None and not running.done() and not done & {running, sending}:
            sending.cancel()
            by_token = token_ended in done
            frame, patience = (TOKEN_ENDED, REST_OF_FRAME) if by_token else (GOING_AWAY, REST_OF_MESSAGE)
            await down.end_websocket(running, frame, patience)
            tunnel.close()
            await _lingered(client, stream)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        tunnel.close()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, UpstreamError | ConnectionError):
            raise result
    return down.carried


def _half_closed(done: set[asyncio.Future[Any]]) -> bool:
    """Whether one direction has ended as it should, so that the other may go on."""
    return len(done) == 1 and all(
        not task.cancelled() and task.exception() is None and task.result() is True for task in done
    )


async def _lingered(client: TunnelClient, stream: ClientStream) -> None:
    """Takes what the client still sends: bytes that nobody reads would make the end a reset, and a client
    that is reset may lose the close frame.
    """
    client.write_end()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGERING):
            while await stream.read():
                pass


class _Downstream:
    """What goes from the upstream to the client."""

    def __init__(self, client: TunnelClient, tunnel: Tunnel, frames: FrameFollower | None) -> None:
        self._client = client
        self._tunnel = tunnel
        self._frames = frames
        self._ending = False
        self.carried = 0

    async def run(self) -> bool:
        """Passes on what comes. Returns whether the other direction may go on."""
        while data := await self._tunnel.read():
            if self._frames is not None:
                data = data[: self._frames.feed(data, one_frame=self._ending)]
            self.carried += len(data)
            self._client.write(data)
            if self._ending and self._frames is not None and self._frames.between_frames:
                return False
            await self._client.drain()
        return self._client.write_end()

    async def end_websocket(self, running: asyncio.Future[bool], frame: bytes, patience: float) -> None:
        """Sends a close frame behind the present one, if that ends within `patience` seconds."""
        frames = self._frames
        assert frames is not None  # noqa: S101 (for mypy: the caller has made sure)
        if not frames.between_frames:
            self._ending = True
            await asyncio.wait({running}, timeout=patience)
        if frames.between_frames and not frames.closed:
            self._client.write(frame)


async def forever() -> None:
    """Never returns: for routes whose tunnels do not end with the token."""
    await asyncio.Event().wait()
