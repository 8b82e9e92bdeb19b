"""Clients that speak HTTP/1.1, HTTP/2 and HTTP/3 with the edge."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from tests.raw import LIMIT, RawClient

Fields = Iterable[tuple[str, str]]
HOST = "localhost"
FRAME_HEAD, GOAWAY = 9, 7


@dataclass
class Answer:
    """A response, or how its stream ended without one."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    reset: int | None = None
    """The error code with which the stream was reset."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def insecure(*alpn: str, client: Any = None) -> ssl.SSLContext:
    """A TLS context for self-signed servers. `client`: a certificate of trustme's to show."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    if client is not None:
        client.configure_cert(context)
    return context


def head(method: str, path: str, fields: Fields = ()) -> list[tuple[str, str]]:
    """The fields of a request in HTTP/2 and HTTP/3."""
    pseudo = [(":method", method), (":scheme", "https"), (":authority", HOST), (":path", path)]
    return [*pseudo, *fields]


def _text(fields: Any) -> list[tuple[str, str]]:
    def plain(value: bytes | str) -> str:
        return value.decode("latin-1") if isinstance(value, bytes) else value

    return [(plain(name), plain(value)) for name, value in fields]


class Http2Client:
    """One connection. Requests may be as malformed as the test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        config = h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.answers: dict[int, Answer] = {}
        self.ended: set[int] = set()
        self.goaway: int | None = None
        """The error code with which the server has said that it takes no more."""
        self._bytes = b""
        self.closed = False

    @property
    def over(self) -> bool:
        """Whether the server takes no more."""
        return self.closed or self.goaway is not None

    async def begin(self) -> None:
        self.h2.initiate_connection()
        await self.flush()

    async def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def send(self, fields: Fields, body: bytes = b"", *, end: bool = True) -> int:
        """Sends a request, or with `end` False its beginning; the stream."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, list(fields), end_stream=end and not body)
        await self.flush()
        if body:
            await self.more(stream, body, end=end)
        return stream

    async def more(self, stream: int, body: bytes, *, end: bool = False) -> None:
        """Sends a part of the body as the flow control windows allow."""
        while body and not self.closed:
            part = body[: min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)]
            body = body[len(part) :]
            if part:
                self.h2.send_data(stream, part, end_stream=end and not body)
                await self.flush()
            else:
                async with asyncio.timeout(LIMIT):
                    await self.receive()

    async def ask(self, fields: Fields, body: bytes = b"") -> Answer:
        return await self.answer(await self.send(fields, body))

    async def answer(self, stream: int) -> Answer:
        """Waits for the whole response, or the stream's reset, or the connection's end."""
        async with asyncio.timeout(LIMIT):
            while stream not in self.ended and not self.closed:
                await self.receive()
        return self.answers[stream]

    async def receive(self) -> None:
        """Takes what comes next."""
        try:
            data = await self.reader.read(65_536)
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return
        self._bytes += data
        while len(self._bytes) >= FRAME_HEAD:
            size = FRAME_HEAD + int.from_bytes(self._bytes[:3], "big")
            if len(self._bytes) < size:
                break
            frame, self._bytes = self._bytes[:size], self._bytes[size:]
            if frame[3] == GOAWAY:
                # h2 would take no more of what is under way.
                self.goaway = int.from_bytes(frame[13:17], "big")
                continue
            for event in self.h2.receive_data(frame):
                self._take(event)
        await self.flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            answer = self.answers[event.stream_id]
            answer.headers = _text(event.headers)
            answer.status = int(answer.headers[0][1])
        elif isinstance(event, h2.events.DataReceived):
            self.answers[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.answers[event.stream_id].trailers = _text(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            self.answers[event.stream_id].reset = int(event.error_code)
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)


@asynccontextmanager
async def http2(port: int, client: Any = None) -> AsyncIterator[Http2Client]:
    """A connection in HTTP/2."""
    context = insecure("h2", client=client)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=HOST)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    made = Http2Client(reader, writer)
    try:
        await made.begin()
        yield made
    finally:
        writer.transport.abort()


class _Http3(H3Connection):
    """aioquic would miss bodies that Content-Length tells of in responses to HEAD, and in those of 304."""

    def _check_content_length(self, stream: Any) -> None:
        if stream.content_length:
            super()._check_content_length(stream)


class Http3Client(QuicConnectionProtocol):
    """One connection in HTTP/3."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.h3 = _Http3(self._quic)
        self.answers: dict[int, Answer] = {}
        self.ended: set[int] = set()
        self.terminated: ConnectionTerminated | None = None
        self._news = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the connection has ended."""
        return self.terminated is not None

    def send(self, fields: Fields, body: bytes = b"", *, end: bool = True) -> int:
        stream = self._quic.get_next_available_stream_id()
        self.answers[stream] = Answer()
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        self.h3.send_headers(stream, encoded, end_stream=end and not body)
        if body:
            self.h3.send_data(stream, body, end_stream=end)
        self.transmit()
        return stream

    def more(self, stream: int, body: bytes, *, end: bool = False) -> None:
        self.h3.send_data(stream, body, end_stream=end)
        self.transmit()

    async def ask(self, fields: Fields, body: bytes = b"") -> Answer:
        return await self.answer(self.send(fields, body))

    async def answer(self, stream: int) -> Answer:
        async with asyncio.timeout(LIMIT):
            while stream not in self.ended and self.terminated is None:
                await self.news()
        return self.answers[stream]

    async def news(self) -> None:
        """Waits until something has come."""
        self._news.clear()
        await self._news.wait()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
        elif isinstance(event, StreamReset) and event.stream_id in self.answers:
            self.answers[event.stream_id].reset = event.error_code
            self.ended.add(event.stream_id)
        for each in self.h3.handle_event(event):
            if isinstance(each, HeadersReceived):
                answer, fields = self.answers[each.stream_id], _text(each.headers)
                if answer.status:
                    answer.trailers = fields
                else:
                    answer.headers, answer.status = fields, int(fields[0][1])
            elif isinstance(each, DataReceived):
                self.answers[each.stream_id].body += each.data
            if isinstance(each, HeadersReceived | DataReceived) and each.stream_ended:
                self.ended.add(each.stream_id)
        self._news.set()


@asynccontextmanager
async def http3(port: int, client: Any = None) -> AsyncIterator[Http3Client]:
    """A connection in HTTP/3. `client`: a certificate of trustme's to show."""
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE, server_name=HOST)
    if client is not None:
        (chain,) = client.cert_chain_pems
        configuration.certificate = load_pem_x509_certificate(chain.bytes())
        configuration.private_key = load_pem_private_key(client.private_key_pem.bytes(), None)
    async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Http3Client) as made:
        assert isinstance(made, Http3Client)
        yield made


class Stream:
    """One request under way, in HTTP/2 or HTTP/3."""

    def __init__(self, client: Http2Client | Http3Client, number: int) -> None:
        self._client, self._number = client, number

    async def more(self, body: bytes, *, end: bool = False) -> None:
        """Sends a part of the body."""
        if isinstance(self._client, Http2Client):
            await self._client.more(self._number, body, end=end)
        else:
            self._client.more(self._number, body, end=end)

    async def until(self, body: bytes) -> None:
        """Waits until this much of the response has come, and no more."""
        answer = self._client.answers[self._number]
        async with asyncio.timeout(LIMIT):
            while len(answer.body) < len(body):
                assert not self._client.over, answer
                if isinstance(self._client, Http2Client):
                    await self._client.receive()
                else:
                    await self._client.news()
        assert (answer.status, answer.body) == (200, body)


@asynccontextmanager
async def stream(version: int, port: int, fields: Fields, *, end: bool = False) -> AsyncIterator[Stream]:
    """A request that has begun, and with `end` has no body."""
    if version == 2:
        async with http2(port) as second:
            yield Stream(second, await second.send(fields, end=end))
    else:
        async with http3(port) as third:
            yield Stream(third, third.send(fields, end=end))


async def ask(
    version: int, port: int, method: str, path: str, fields: Fields = (), body: bytes = b""
) -> Answer:
    """One request in one of the versions."""
    if version == 1:
        return await _ask_1(port, method, path, fields, body)
    fields = [*fields, *([("content-length", str(len(body)))] if body else [])]
    if version == 2:
        async with http2(port) as second:
            return await second.ask(head(method, path, fields), body)
    async with http3(port) as third:
        return await third.ask(head(method, path, fields), body)


async def _ask_1(port: int, method: str, path: str, fields: Fields, body: bytes) -> Answer:
    lines = [f"{method} {path} HTTP/1.1", f"host: {HOST}", *(f"{name}: {value}" for name, value in fields)]
    lines += [f"content-length: {len(body)}"] if body else []
    data = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    async with await RawClient.connect("127.0.0.1", port, insecure("http/1.1")) as client:
        found = await client.ask(data, body=method != "HEAD")
    return Answer(found.status, found.headers, found.content)
