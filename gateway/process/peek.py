"""Looks at the first bytes of a connection without taking them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

RETRY_DELAY = 0.01
"""Seconds until a connection of which only a part has come is looked at again.

Waiting for more would not wait: bytes that are left in the socket wake the event loop at once."""


async def peek(sock: socket.socket, limit: int, read: Callable[[bytes], T | None]) -> T:
    """Waits until `read` makes something of the first bytes, of which it sees up to `limit`.

    `sock` is non-blocking. The caller bounds the time. ConnectionError: the client closed without a byte.
    """
    seen = 0
    while True:
        try:
            data = sock.recv(limit, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            await _readable(sock)
            continue
        if not data:
            raise ConnectionResetError("closed before the first byte")
        if len(data) > seen:
            found = read(data)
            if found is not None:
                return found
            seen = len(data)
        await asyncio.sleep(RETRY_DELAY)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock)
