"""A connection that has become a tunnel: raw bytes both ways, as long as both ends and the token live."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.oauth.values import TokenFacts
from gateway.upstream.errors import UpstreamError
from gateway.upstream.tunnel import Tunnel

HIGH_WATER = 256 * 1024
"""Bytes held for a slow upstream, from which on the caller is no longer read."""
LOOK_EVERY = 2.0
"""Seconds between two looks at whether the token still lives, where the route ends tunnels with it."""


class Caller(Protocol):
    """The caller's connection, as far as a tunnel needs it."""

    def pause(self) -> None:
        """Reads no more for now."""

    def resume(self) -> None:
        """Reads on."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    async def drain(self) -> None:
        """Waits until the caller has taken most of them."""


class CallerStream:
    """What the caller sends into the tunnel."""

    def __init__(self, caller: Caller, first: bytes) -> None:
        self._caller = caller
        self._pieces: deque[bytes] = deque([first] if first else [])
        self._held = len(first)
        self._paused = False
        self._ended = False
        self._news = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._pieces.append(data)
        self._held += len(data)
        self._news.set()
        if self._held > HIGH_WATER and not self._paused:
            self._paused = True
            self._caller.pause()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._news.set()

    async def read(self) -> bytes:
        """The next bytes; empty when the caller has ended."""
        while not self._pieces:
            if self._ended:
                return b""
            self._news.clear()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused and self._held <= HIGH_WATER // 4:
            self._paused = False
            self._caller.resume()
        return piece


async def carry(
    caller: Caller, stream: CallerStream, tunnel: Tunnel, lives: Callable[[], Awaitable[None]]
) -> int:
    """Carries bytes both ways until one end closes or `lives` returns; how many went to the caller."""
    carried = 0

    async def down() -> None:
        nonlocal carried
        while data := await tunnel.read():
            carried += len(data)
            caller.write(data)
            await caller.drain()

    async def up() -> None:
        while data := await stream.read():
            await tunnel.write(data)

    tasks = [asyncio.ensure_future(way) for way in (down(), up(), lives())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        tunnel.close()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, UpstreamError | ConnectionError):
            raise result
    return carried


async def forever() -> None:
    """For routes whose tunnels outlive the token."""
    await asyncio.Event().wait()


async def while_token_lives(
    find: Callable[[], Awaitable[TokenFacts | None]], clock: Callable[[], float]
) -> None:
    """Returns when the token has ended, or was revoked."""
    while (facts := await find()) is not None and (left := facts.expires - clock()) > 0:  # noqa: ASYNC110 (a token's end has no event)
        await asyncio.sleep(min(left, LOOK_EVERY))
