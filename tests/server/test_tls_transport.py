"""TLS as clients of OpenSSL see it, and what the protocol above is told."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme

from gateway.server.tls_transport import TlsTransport
from gateway.server.transport import ClientTransport
from tests.raw import LIMIT, until
from tests.server.test_aiohttp_server import settings

LARGE = 3_000_000


@dataclass(eq=False)
class Above(asyncio.Protocol):
    """The protocol above: writes down what it is told."""

    transport: asyncio.Transport | None = None
    received: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.received.append(data)

    def eof_received(self) -> None:
        self.told.append("eof")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")

    @property
    def open(self) -> asyncio.Transport:
        assert self.transport is not None
        return self.transport

    @property
    def bytes(self) -> bytes:
        return b"".join(self.received)


@dataclass
class Served:
    """A port, and what came of its connections."""

    port: int
    connections: list[Above]
    over: list[TlsTransport]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def served(authority: trustme.CA) -> AsyncIterator[Served]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    loop = asyncio.get_running_loop()
    connections, over = list[Above](), list[TlsTransport]()

    def connect() -> TlsTransport:
        connections.append(Above())
        return TlsTransport(context, connections[-1], loop, over.append)

    server = await loop.create_server(connect, "127.0.0.1", 0)
    yield Served(server.sockets[0].getsockname()[1], connections, over)
    for each in over:
        each.abort()
    server.close()


@asynccontextmanager
async def connected(
    served: Served, client: ssl.SSLContext
) -> AsyncIterator[tuple[Above, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Both ends, after the handshake."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", served.port, ssl=client, server_hostname="localhost"
    )
    await until(lambda: served.connections and served.connections[-1].transport)
    yield served.connections[-1], reader, writer
    writer.transport.abort()


class ByHand:
    """A client that sends the bytes of TLS as it likes."""

    def __init__(self, served: Served, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self._socket = socket.create_connection(("127.0.0.1", served.port), LIMIT)

    def __enter__(self) -> ByHand:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def sealed(self) -> bytes:
        """What TLS has to say."""
        return self._outgoing.read()

    async def send(self, data: bytes) -> None:
        await asyncio.to_thread(self._socket.sendall, data)

    async def read(self) -> bytes:
        """What is in the next segment: perhaps nothing for the one above TLS."""
        self._incoming.write(await self.receive())
        try:
            return self.tls.read()
        except ssl.SSLWantReadError:
            return b""

    @property
    def has_ticket(self) -> bool:
        return self.tls.session is not None and self.tls.session.has_ticket

    async def receive(self) -> bytes:
        return await asyncio.to_thread(self._socket.recv, 65_536)

    async def shake_hands(self) -> None:
        """Up to the client's last words, which are not sent."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.send(self.sealed())
                self._incoming.write(await self.receive())
            else:
                return


async def test_the_protocol_hears_of_the_connection_after_the_handshake(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await until(lambda: served.connections)
        await caller.shake_hands()
        assert not served.over
        assert served.connections[0].told == []
        await caller.send(caller.sealed())
        await until(lambda: served.connections[0].told == ["made"])
        transport = served.connections[0].open
        assert served.over == [transport]
        assert transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        assert transport.get_extra_info("sslcontext").verify_mode == ssl.CERT_NONE
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"


async def test_a_request_may_come_with_the_last_words_of_the_handshake(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        caller.tls.write(b"GET")
        await caller.send(caller.sealed())
        await until(lambda: served.connections[0].bytes == b"GET")


async def test_a_session_ticket_is_sent_when_the_handshake_is_done(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        await caller.send(caller.sealed())
        assert not caller.has_ticket
        assert await caller.read() == b""
        assert caller.has_ticket


async def test_to_a_client_that_has_sent_a_request_the_ticket_goes_with_the_response(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        caller.tls.write(b"GET")
        await caller.send(caller.sealed())
        await until(lambda: served.connections[0].bytes == b"GET")
        served.connections[0].open.write(b"200")
        assert await caller.read() == b"200"
        assert caller.has_ticket


async def test_records_that_come_together_are_one_piece_and_a_part_of_one_is_waited_for(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        for piece in (b"one,", b"two,", b"three"):
            caller.tls.write(piece)
        sealed = caller.sealed()
        await caller.send(sealed[:-5])
        await until(lambda: served.connections[0].received == [b"one,two,"])
        await caller.send(sealed[-5:])
        await until(lambda: served.connections[0].received == [b"one,two,", b"three"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_many_bytes_go_both_ways(
    served: Served, client: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    client.minimum_version = client.maximum_version = version
    data = bytes(range(256)) * (LARGE // 256)
    async with connected(served, client) as (above, reader, writer):
        writer.write(data)
        above.open.write(data)
        assert await asyncio.wait_for(reader.readexactly(len(data)), LIMIT) == data
        await until(lambda: len(above.bytes) >= len(data))
        assert above.bytes == data


async def test_the_protocol_is_told_when_the_client_does_not_take_what_was_sent(
    served: Served, client: ssl.SSLContext
) -> None:
    async with connected(served, client) as (above, reader, _):
        above.open.write(b"x" * 10 * LARGE)
        assert above.told == ["made", "pause"]
        assert above.open.get_write_buffer_size() > LARGE
        await asyncio.wait_for(reader.readexactly(10 * LARGE), LIMIT)
        await until(lambda: above.told == ["made", "pause", "resume"])
        assert above.open.get_write_buffer_size() == 0


async def test_closed_it_sends_what_was_written_and_says_that_no_more_comes(
    served: Served, client: ssl.SSLContext
) -> None:
    def receive() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", served.port), LIMIT) as plain,
            client.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as caller,
        ):
            found = b""
            # Without the word of the other end that no more comes, this fails.
            while data := caller.recv(65_536):
                found += data
            return found

    receiving = asyncio.create_task(asyncio.to_thread(receive))
    await until(lambda: served.connections and served.connections[0].transport)
    (above,) = served.connections
    above.open.write(b"x" * LARGE)
    above.open.close()
    above.open.write(b"too late")
    assert above.open.is_closing()
    assert await receiving == b"x" * LARGE
    await until(lambda: above.told[-1] == "lost")
    assert above.open.get_write_buffer_size() == 0


async def test_a_client_that_says_it_sends_no_more_is_taken_at_its_word(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        caller.tls.write(b"last")
        with pytest.raises(ssl.SSLWantReadError):
            caller.tls.unwrap()
        await caller.send(caller.sealed())
        (above,) = served.connections
        await until(lambda: above.told == ["made", "eof", "lost"])
        assert above.bytes == b"last"


async def test_a_client_that_goes_without_a_word_is_gone(served: Served, client: ssl.SSLContext) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        await caller.send(caller.sealed())
        await until(lambda: served.connections[0].told == ["made"])
    await until(lambda: served.connections[0].told == ["made", "lost"])


async def test_of_a_handshake_that_is_broken_off_the_protocol_hears_nothing(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await until(lambda: served.connections)
        await caller.shake_hands()
    await until(lambda: len(served.over) == 1)
    assert served.connections[0].told == []


@pytest.mark.parametrize(
    ("sent", "alert"),
    [
        # OpenSSL has nothing to say to plain HTTP. RFC 8446 section 6.2: decode_error, fatal.
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b""),
        (b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"\x15\x03\x03\x00\x02\x02\x32"),
    ],
)
async def test_bytes_that_are_no_handshake_end_it_with_openssls_alert(
    served: Served, sent: bytes, alert: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    assert await asyncio.wait_for(reader.read(), LIMIT) == alert
    await until(lambda: len(served.over) == 1)
    assert served.connections[0].told == []
    writer.close()
    await writer.wait_closed()


async def test_a_damaged_record_ends_the_connection_and_is_not_read(
    served: Served, client: ssl.SSLContext
) -> None:
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        await caller.send(caller.sealed())
        caller.tls.write(b"damaged")
        sealed = caller.sealed()
        await caller.send(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        await until(lambda: served.connections[0].told == ["made", "lost"])
        assert served.connections[0].received == []


async def test_while_reading_is_paused_the_client_is_held_back(
    served: Served, client: ssl.SSLContext
) -> None:
    async with connected(served, client) as (above, _, writer):
        above.open.pause_reading()
        assert not above.open.is_reading()
        writer.write(b"x" * LARGE)
        await asyncio.sleep(0)
        writer.write(b"y")
        assert above.received == []
        above.open.resume_reading()
        assert above.open.is_reading()
        await until(lambda: len(above.bytes) == LARGE + 1)


async def test_what_comes_with_the_handshake_waits_while_reading_is_paused(
    served: Served, client: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Above.connection_made

    def pauses(above: Above, transport: asyncio.BaseTransport) -> None:
        made(above, transport)
        above.open.pause_reading()

    monkeypatch.setattr(Above, "connection_made", pauses)
    with ByHand(served, client) as caller:
        await caller.shake_hands()
        caller.tls.write(b"early")
        await caller.send(caller.sealed())
        await until(lambda: served.connections[0].told == ["made"])
        assert served.connections[0].received == []
        served.connections[0].open.resume_reading()
        await until(lambda: served.connections[0].received == [b"early"])


async def test_broken_off_it_sends_no_more(served: Served, client: ssl.SSLContext) -> None:
    async with connected(served, client) as (above, reader, _):
        above.open.abort()
        above.open.write(b"too late")
        above.open.close()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)):
            await asyncio.wait_for(reader.readexactly(1), LIMIT)
        await until(lambda: above.told == ["made", "lost"])
        assert not above.open.can_write_eof()


class Last(ClientTransport):
    """Answers its last request."""

    awaits_last_response = True

    def data_received(self, data: bytes) -> None:
        """It is known what it is."""


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_end_goes_out_with_the_last_response_if_it_comes_at_once(
    authority: trustme.CA, client: ssl.SSLContext, at_once: bool
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    loop, wire = asyncio.get_running_loop(), Wire()
    above = Last(settings().connection_manager, loop)
    transport = TlsTransport(context, above, loop, lambda _: None)
    transport.connection_made(wire)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            caller.do_handshake()
            break
        except ssl.SSLWantReadError:
            transport.data_received(outgoing.read())
            incoming.write(b"".join(wire.written))
    caller.write(b"GET")
    transport.data_received(outgoing.read())
    wire.written.clear()
    above.write(b"200")
    assert wire.written == []
    if not at_once:
        await asyncio.sleep(0)
        assert len(wire.written) == 1
    above.hang_up()
    assert (len(wire.written), wire.closed) == (1 if at_once else 2, True)
    incoming.write(b"".join(wire.written))
    assert (caller.read(), caller.read()) == (b"200", b"")
    transport.connection_lost(None)
