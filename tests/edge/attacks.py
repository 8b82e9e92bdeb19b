"""Frames of HTTP/2 as an attacker sends them, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from hpack import Encoder

from tests.edge.clients import HOST, ask, insecure
from tests.edge.conftest import EdgeStage

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
QUICKLY = 5.0
"""Seconds within which others are answered. They take some milliseconds where nobody else has the machine."""


async def well_behaved(edge: EdgeStage) -> None:
    """Another client is answered quickly, and nothing hostile has come to the upstream before it."""
    began = time.monotonic()
    found = await ask(2, edge.port, "GET", "/open/well")
    assert (found.status, found.body) == (200, b"hello")
    assert time.monotonic() - began < QUICKLY
    assert [one.target for one in edge.upstream.requests] == ["/open/well"]


def envoy_of(edge: EdgeStage) -> int:
    """The process id of its Envoy."""
    command = ["ps", "-o", "pid=,comm=", "--ppid", str(edge.running.pid)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (row,) = [row for row in listing.splitlines() if "envoy" in row]
    return int(row.split()[0])


def memory(pid: int) -> int:
    """Bytes that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def frame(kind: int, payload: bytes = b"", stream: int = 0, flags: int = 0) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags])
    return head + stream.to_bytes(4, "big") + payload


def setting(name: int, value: int) -> bytes:
    return frame(SETTINGS, name.to_bytes(2, "big") + value.to_bytes(4, "big"))


def block(path: str = "/open/hostile", fields: Iterable[tuple[str, str]] = (), method: str = "GET") -> bytes:
    """The head of a request, encoded without a table."""
    pseudo = [(":method", method), (":scheme", "https"), (":authority", HOST), (":path", path)]
    return bytes(Encoder().encode([*pseudo, *fields], huffman=False))


class Attacker:
    """One connection in HTTP/2. It may leave unread what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.sent = 0
        self.received = b""

    async def send(self, data: bytes) -> bool:
        """Whether the connection has taken it: it is open, and the other side still reads."""
        self.sent += len(data)
        try:
            self.writer.write(data)
            async with asyncio.timeout(1):
                await self.writer.drain()
        except (OSError, TimeoutError):
            return False
        return not self.writer.transport.is_closing()

    async def flood(self, piece: bytes, most: int) -> bool:
        """Sends `piece` again and again, up to `most` bytes, and reads nothing. Whether all was taken."""
        part = piece * max(1, 65_536 // len(piece))
        while self.sent < most:
            if not await self.send(part):
                return False
        return True

    async def ended(self, within: float) -> bool:
        """Whether the other side closes within so many seconds; reads what comes until then."""
        try:
            async with asyncio.timeout(within):
                while part := await self.reader.read(65_536):
                    self.received += part
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


@asynccontextmanager
async def attacker(edge: EdgeStage, *settings: bytes, window: int | None = None) -> AsyncIterator[Attacker]:
    """A connection that has begun. `window`: bytes that its socket takes unread."""
    sock = socket.socket()
    if window is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", edge.port))
    reader, writer = await asyncio.open_connection(
        sock=sock, ssl=insecure("h2"), server_hostname=HOST, limit=1024
    )
    try:
        found = Attacker(reader, writer)
        await found.send(PREFACE + (b"".join(settings) or frame(SETTINGS)))
        yield found
    finally:
        writer.transport.abort()
