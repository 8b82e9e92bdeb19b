"""Raw HTTP: a client that sends arbitrary bytes, and an upstream that records requests."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

LIMIT = 20.0
"""Timeout of all waits in tests, in seconds."""


async def until(holds: Callable[[], object]) -> None:
    """Polls until the condition holds; fails after `LIMIT` seconds."""
    async with asyncio.timeout(LIMIT):
        while not holds():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.002)


@dataclass(slots=True)
class RawMessage:
    """A request or response as received."""

    head: bytes
    """Including the empty line at its end."""
    body: bytes = b""
    """As received: chunked bodies are not decoded."""

    @property
    def first_line(self) -> str:
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The single value of a header, or None."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def method(self) -> str:
        return self.first_line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.first_line.split(" ")[1]

    @property
    def status(self) -> int:
        return int(self.first_line.split(" ")[1])

    @property
    def content(self) -> bytes:
        """The body with chunked encoding removed."""
        if (self.header("Transfer-Encoding") or "").lower() != "chunked":
            return self.body
        content, rest = b"", self.body
        while True:
            size, _, rest = rest.partition(b"\r\n")
            if not (length := int(size.split(b";")[0], 16)):
                return content
            content, rest = content + rest[:length], rest[length + 2 :]


async def read_message(
    reader: asyncio.StreamReader, *, body: bool = True, to_end: bool = False
) -> RawMessage:
    """Reads a message with its body. `to_end`: a body without a length ends with the connection."""
    message = RawMessage(await reader.readuntil(b"\r\n\r\n"))
    if body:
        await read_body(message, reader, to_end=to_end)
    return message


async def read_body(message: RawMessage, reader: asyncio.StreamReader, *, to_end: bool = False) -> None:
    """Reads what follows a head."""
    length = message.header("Content-Length")
    if (message.header("Transfer-Encoding") or "").lower() == "chunked":
        message.body = await _chunks(reader)
    elif length is not None:
        message.body = await reader.readexactly(int(length))
    elif to_end:
        message.body = await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    received = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        received += line
        if size := int(line.split(b";")[0], 16):
            received += await reader.readexactly(size + 2)
            continue
        while (trailer := await reader.readuntil(b"\r\n")) != b"\r\n":
            received += trailer
        return received + trailer


class RawClient:
    """A connection to the gateway. Close it or use `async with`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, host: str, port: int, tls: ssl.SSLContext | None = None) -> RawClient:
        return cls(*await asyncio.wait_for(asyncio.open_connection(host, port, ssl=tls), LIMIT))

    async def __aenter__(self) -> RawClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), LIMIT)

    async def receive(self, *, body: bool = True) -> RawMessage:
        """Reads the next response. `body=False` for responses to HEAD."""
        return await asyncio.wait_for(read_message(self.reader, body=body, to_end=True), LIMIT)

    async def ask(self, data: bytes, *, body: bool = True) -> RawMessage:
        """Sends bytes and returns the response."""
        await self.send(data)
        return await self.receive(body=body)

    async def rest(self) -> bytes:
        """Reads until the peer closes; fails after `LIMIT` seconds."""
        return await asyncio.wait_for(self.reader.read(), LIMIT)

    async def closed(self) -> bool:
        """Waits for the peer to close. True if no data came before."""
        with suppress(ConnectionError):
            return await self.rest() == b""
        return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


Conversation = Callable[[RawMessage, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Responds to one request. Returns whether the connection is kept open."""


def answer(status: str = "200 OK", body: bytes = b"hello", *headers: str) -> bytes:
    """A complete response with Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def says(data: bytes) -> Conversation:
    """Responds to every request with these bytes; honors their `Connection: close`."""

    async def conversation(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return b"connection: close" not in data.lower()

    return conversation


@dataclass
class RawUpstream:
    """An upstream in a thread of its own, so that it lives as long as its fixture and not as one test's loop.

    `requests` are those that came since `reset`, without the gateway's own health checks at `/health`.
    """

    port: int = 0
    requests: list[RawMessage] = field(default_factory=list)
    conversation: Conversation = field(default_factory=lambda: says(answer()))
    connections: int = 0
    heads_alone: bool = False
    """Whether to respond after the head, without reading the body. Last request of a connection only."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self, conversation: Conversation | None = None) -> None:
        """Clears the recorded requests and sets the response."""
        self.requests.clear()
        self.heads_alone = False
        self.conversation = conversation or says(answer())

    async def next(self, number: int = 1) -> RawMessage:
        """Waits for `number` requests and returns the last one."""
        async with asyncio.timeout(LIMIT):
            while len(self.requests) < number:  # noqa: ASYNC110 (the requests come in another thread)
                await asyncio.sleep(0.005)
        return self.requests[number - 1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gateway closes connections as it likes, and the fixture ends the rest
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        go_on = True
        while go_on:
            request = await read_message(reader, body=False)
            if not self.heads_alone:
                await read_body(request, reader)
            if request.target == "/health":
                writer.write(answer())
                continue
            self.requests.append(request)
            go_on = await self.conversation(request, reader, writer)


@contextmanager
def raw_upstream(
    listening: socket.socket | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[RawUpstream]:
    """Starts an upstream on a free port or an already bound socket."""
    listening = listening or socket.create_server(("127.0.0.1", 0))
    upstream = RawUpstream()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(upstream.serve, sock=listening, ssl=tls)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(LIMIT)
    upstream.port = listening.getsockname()[1] if listening.family != socket.AF_UNIX else 0
    try:
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(LIMIT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LIMIT)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(10):
        # What was accepted last must be on its way before the server closes: else asyncio loses its socket.
        await asyncio.sleep(0)
    server.close()
    while tasks := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
