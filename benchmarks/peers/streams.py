"""The upstream of streams, on the load's core: WebSockets that echo, and server-sent events.

`python -m benchmarks.peers.streams PORT`
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.contender import Contender
from benchmarks.load import LOAD_CORE

SOCKET, EVENTS, SHORT = "/streams/socket", "/streams/events", "/streams/short"
EVENTS_A_SECOND = 20
"""To each caller."""
EVENTS_OF_SHORT = 10
PAD = "x" * 90
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = b"\r\nsec-websocket-key: "
_EVENT_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_END = b"\r\n\r\n"


class Streams(Contender):
    """WebSockets and events."""

    name = "upstream of streams"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, cores={LOAD_CORE})

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "benchmarks.peers.streams", str(self.port)]


def echoed(data: bytearray) -> bytes:
    """What a WebSocket server says to these frames, which it takes out. They are small and masked (RFC 6455 section 5)."""
    answers = []
    while len(data) >= 6 and len(data) >= (end := 6 + (data[1] & 0x7F)):
        length = end - 6
        mask = (bytes(data[2:6]) * (length // 4 + 1))[:length]
        payload = int.from_bytes(data[6:end], "big") ^ int.from_bytes(mask, "big")
        answers.append(bytes((data[0], length)) + payload.to_bytes(length, "big"))
        del data[:end]
    return b"".join(answers)


def accept_value(key: bytes) -> bytes:
    """`Sec-WebSocket-Accept` (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 (the protocol wants it)


def chunk(event: str) -> bytes:
    """An event as a chunk of a body."""
    data = f"data: {event} {PAD}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


class Conversation(asyncio.Protocol):
    """One connection."""

    listening: set[Conversation] = set()  # noqa: RUF012 (all of them)

    def __init__(self) -> None:
        self._received = bytearray()
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.listening.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._upgraded:
            self.transport.write(echoed(self._received))
            return
        while (end := self._received.find(_END)) >= 0:
            head = bytes(self._received[:end]) + b"\r\n"
            del self._received[: end + len(_END)]
            self._answer(head, head.split(b" ", 2)[1].decode())

    def _answer(self, head: bytes, path: str) -> None:
        if path == SOCKET:
            key = head[head.lower().index(_KEY) + len(_KEY) :].partition(b"\r\n")[0]
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_value(key) + _END
            )
            self._upgraded = True
        elif path == EVENTS:
            self.transport.write(_EVENT_STREAM)
            self.listening.add(self)
        else:
            events = b"".join(chunk(str(number)) for number in range(EVENTS_OF_SHORT))
            self.transport.write(_EVENT_STREAM + events + b"0\r\n\r\n")


async def tell_all() -> None:
    """An event to each listener, again and again, with the time at which its turn came."""
    following = time.perf_counter()
    while True:
        following = max(following + 1 / EVENTS_A_SECOND, time.perf_counter())
        await asyncio.sleep(following - time.perf_counter())
        event = chunk(f"{following:.6f}")
        for each in tuple(Conversation.listening):
            each.transport.write(event)


async def serve(port: int) -> None:
    """Until it is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Conversation, "127.0.0.1", port, backlog=8192)
    telling = loop.create_task(tell_all())
    with suppress(asyncio.CancelledError):
        await server.serve_forever()
    telling.cancel()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
