"""HTTP/2 and gRPC on the connections of proxies that ask, seen by a client that sends what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded
from h2.settings import SettingCodes
from hyperframe.frame import DataFrame, Frame, GoAwayFrame

from gateway.ext_authz.connection import MAX_MESSAGE, MAX_RESETS, GrpcConnection
from gateway.ext_authz.grpc_call import GrpcError, framed
from gateway.http.exchange import Header, Peer
from gateway.http.grpc_status import GrpcStatus
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.connection_manager import ConnectionManager
from gateway.server.min_data_rate import MinDataRate
from tests.raw import LIMIT

ECHO, WAIT, FAIL, REFUSE = (
    b"/test.Service/Echo",
    b"/test.Service/Wait",
    b"/test.Service/Fail",
    b"/test.S/Refuse",
)


class Service:
    """Methods that a test sees the calls of."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.go_on = asyncio.Event()

    async def echo(self, message: bytes, peer: Peer, _metadata: Sequence[Header]) -> bytes:
        assert peer.address == "127.0.0.1"
        return message

    async def wait(self, message: bytes, _peer: Peer, _metadata: Sequence[Header]) -> bytes:
        self.waiting.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return message

    async def fail(self, _message: bytes, _peer: Peer, _metadata: Sequence[Header]) -> bytes:
        raise RuntimeError("on purpose")

    async def refuse(self, _message: bytes, _peer: Peer, _metadata: Sequence[Header]) -> bytes:
        raise GrpcError(GrpcStatus.PERMISSION_DENIED, "100 % not for you: é")


class Client:
    """A client of HTTP/2."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.http: Any = H2Connection(H2Configuration(header_encoding=None))
        self.http.initiate_connection()
        self.answers: dict[int, bytearray] = {}
        self.headers: dict[int, dict[bytes, bytes]] = {}
        self.ended: set[int] = set()
        self.closed = False

    def call(self, path: bytes, message: bytes | None = b"hello", *headers: Header, end: bool = True) -> int:
        """Sends a call with one message, or without; the number of its stream."""
        stream = int(self.http.get_next_available_stream_id())
        first = [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"a"), (b":path", path)]
        kind = () if b"content-type" in dict(headers) else ((b"content-type", b"application/grpc"),)
        self.http.send_headers(stream, [*first, *kind, *headers], end_stream=end and message is None)
        if message is not None:
            self.http.send_data(stream, framed(message), end_stream=end)
        self.send()
        return stream

    def send(self) -> None:
        self.writer.write(self.http.data_to_send())

    async def read(self) -> None:
        """Takes what comes next."""
        async with asyncio.timeout(LIMIT):
            data = await self.reader.read(65_536)
        if not data:
            self.closed = True
            return
        for event in self.http.receive_data(data):
            stream = getattr(event, "stream_id", 0)
            if isinstance(event, DataReceived):
                self.answers.setdefault(stream, bytearray()).extend(event.data)
                self.http.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, StreamEnded):
                self.ended.add(stream)
            if getattr(event, "headers", None):
                self.headers.setdefault(stream, {}).update(event.headers)
        self.send()

    async def status(self, stream: int) -> int:
        """The `grpc-status` of a call, when it is over."""
        while stream not in self.ended:
            assert not self.closed, "the connection has been closed"
            await self.read()
        return int(self.headers[stream][b"grpc-status"])

    async def until_closed(self) -> None:
        while not self.closed:
            try:
                await self.read()
            except ConnectionError:
                return


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def port(service: Service) -> AsyncIterator[int]:
    async with listening(service) as (found, _):
        yield found


@asynccontextmanager
async def listening(
    service: Service, header_timeout: float = LIMIT
) -> AsyncIterator[tuple[int, ConnectionManager]]:
    limits = ConnectionLimits(100, 100, lambda _: True)
    manager = ConnectionManager(limits, MinDataRate(LIMIT, 1), shortest=header_timeout)
    methods = {ECHO: service.echo, WAIT: service.wait, FAIL: service.fail, REFUSE: service.refuse}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: GrpcConnection(manager, methods, header_timeout, loop), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1], manager
    server.close()
    for connection in manager.open_connections:
        connection.abort()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    made = Client(reader, writer)
    made.send()
    yield made
    writer.close()


@pytest.fixture
async def client(port: int) -> AsyncIterator[Client]:
    async with connected(port) as made:
        yield made


async def test_a_call_has_its_answer_and_status_0(client: Client) -> None:
    stream = client.call(ECHO, b"hello")
    assert await client.status(stream) == 0
    assert bytes(client.answers[stream]) == framed(b"hello")
    assert client.headers[stream][b"content-type"] == b"application/grpc"


async def test_calls_are_answered_at_the_same_time(client: Client, service: Service) -> None:
    slow = client.call(WAIT, b"slow")
    assert await client.status(client.call(ECHO)) == 0
    assert slow not in client.ended
    service.go_on.set()
    assert await client.status(slow) == 0
    assert bytes(client.answers[slow]) == framed(b"slow")


@pytest.mark.parametrize(
    ("path", "message", "headers", "status"),
    [
        (b"/test.Service/Nothing", b"", (), 12),
        (ECHO, b"", ((b"content-type", b"application/json"),), 12),
        (ECHO, None, (), 3),
        (ECHO, b"", ((b"grpc-timeout", b"soon"),), 3),
        (ECHO, b"", ((b"grpc-timeout", b"99999999H"),), 0),
        (FAIL, b"", (), 13),
        (REFUSE, b"", (), 7),
    ],
)
async def test_a_call_that_can_not_be_answered_has_a_status(
    client: Client, path: bytes, message: bytes | None, headers: tuple[Header, ...], status: int
) -> None:
    assert await client.status(client.call(path, message, *headers)) == status
    assert await client.status(client.call(ECHO)) == 0


async def test_the_reason_is_told_percent_encoded(client: Client) -> None:
    stream = client.call(REFUSE)
    await client.status(stream)
    assert client.headers[stream][b"grpc-message"] == b"100 %25 not for you: %C3%A9"


async def test_two_messages_and_half_a_message_are_refused(client: Client) -> None:
    for data in (framed(b"one") + framed(b"two"), framed(b"one")[:-1], b"\1" + framed(b"one")[1:]):
        stream = client.call(ECHO, None, end=False)
        client.http.send_data(stream, data, end_stream=True)
        client.send()
        assert await client.status(stream) in (3, 12)


async def test_a_message_that_is_too_large_is_refused_before_it_is_whole(client: Client) -> None:
    stream = client.call(ECHO, None, end=False)
    sent = 0
    while stream not in client.ended and sent < 2 * MAX_MESSAGE:
        size = min(client.http.local_flow_control_window(stream), client.http.max_outbound_frame_size)
        if not size:
            await client.read()
            continue
        client.http.send_data(stream, b"\0" * size)
        sent += size
        client.send()
    assert await client.status(stream) == 8
    assert await client.status(client.call(ECHO)) == 0


async def test_a_call_whose_time_is_over_is_told_so_and_ended(client: Client, service: Service) -> None:
    assert await client.status(client.call(WAIT, b"", (b"grpc-timeout", b"10m"))) == 4
    async with asyncio.timeout(LIMIT):
        await service.cancelled.wait()


async def test_a_call_that_is_taken_back_together_with_its_message_disturbs_no_other(client: Client) -> None:
    sent = bytearray()
    for message in (b"a", b"b"):
        client.writer.write = sent.extend  # type: ignore[assignment]  # what is sent goes out at once
        client.http.reset_stream(client.call(ECHO, message))
        client.send()
        del client.writer.write
    client.writer.write(bytes(sent))
    assert await client.status(client.call(ECHO)) == 0


async def test_a_call_that_is_taken_back_is_ended(client: Client, service: Service) -> None:
    stream = client.call(WAIT)
    async with asyncio.timeout(LIMIT):
        await service.waiting.wait()
        client.http.reset_stream(stream)
        client.send()
        await service.cancelled.wait()
    assert await client.status(client.call(ECHO)) == 0


async def test_calls_end_with_their_connection(port: int, service: Service) -> None:
    async with connected(port) as client:
        client.call(WAIT)
        async with asyncio.timeout(LIMIT):
            await service.waiting.wait()
    async with asyncio.timeout(LIMIT):
        await service.cancelled.wait()


async def test_a_client_that_takes_its_calls_back_time_and_again_is_cut_off(client: Client) -> None:
    for _ in range(MAX_RESETS + 1):
        client.http.reset_stream(client.call(ECHO, None, end=False))
        client.send()
    await client.until_closed()


async def test_an_answer_waits_for_the_clients_flow_control(client: Client) -> None:
    client.http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1_000})
    client.send()
    message = b"a" * 12_000
    stream = client.call(ECHO, message)
    assert await client.status(stream) == 0
    assert bytes(client.answers[stream]) == framed(message)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 100])
async def test_what_is_no_http_2_is_cut_off(port: int, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(LIMIT):
        while await reader.read(65_536):
            pass
    writer.close()


async def test_whoever_never_asks_is_cut_off(service: Service) -> None:
    async with listening(service, header_timeout=0.05) as (port, _), connected(port) as client:
        await client.until_closed()


async def test_whoever_has_asked_may_stay(service: Service) -> None:
    async with listening(service, header_timeout=1) as (port, manager), connected(port) as client:
        assert await client.status(client.call(ECHO)) == 0
        manager.open_connections[0].check_timeouts(asyncio.get_running_loop().time() + 3600)
        assert await client.status(client.call(ECHO)) == 0


async def test_a_shutdown_says_goodbye_and_answers_what_is_under_way(service: Service) -> None:
    async with listening(service) as (port, manager), connected(port) as client:
        slow = client.call(WAIT, b"slow")
        async with asyncio.timeout(LIMIT):
            await service.waiting.wait()
        ending = asyncio.create_task(manager.open_connections[0].shutdown(LIMIT))
        frames = raw_frames(client)
        goodbyes = []
        while len(goodbyes) < 2:
            frame = await anext(frames)
            goodbyes += [frame] if isinstance(frame, GoAwayFrame) else []
        assert [one.last_stream_id for one in goodbyes] == [2**31 - 1, slow]
        assert {one.error_code for one in goodbyes} == {0}
        service.go_on.set()
        rest = [frame async for frame in frames]
        assert framed(b"slow") in [frame.data for frame in rest if isinstance(frame, DataFrame)]
        assert "END_STREAM" in rest[-1].flags
        async with asyncio.timeout(LIMIT):
            await ending


async def raw_frames(client: Client) -> AsyncIterator[Any]:
    """The frames that still come: h2 reads none after a goodbye."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            async with asyncio.timeout(LIMIT):
                frame, length = Frame.parse_frame_header(memoryview(await client.reader.readexactly(9)))
                frame.parse_body(memoryview(await client.reader.readexactly(length)))
            yield frame
