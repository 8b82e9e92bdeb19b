"""Taking connections: a crowd at once, and none lost when files run out."""

import asyncio
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import trustme

from gateway.process import acceptor
from gateway.process.acceptor import Acceptor
from gateway.process.client_hello import ClientHello
from gateway.process.listeners import ListenAddress, ListenSocket, listen
from gateway.server.accepted_transport import AcceptedTransport
from tests.raw import until

CROWD = 300


class Greeting(asyncio.Protocol):
    """Says hello, and counts to how many it did."""

    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        Greeting.made += 1
        transport.write(b"hello")
        transport.close()


@pytest.fixture
def listener() -> Iterator[ListenSocket]:
    Greeting.made = 0
    (made,) = listen([ListenAddress("127.0.0.1", 0)])
    yield made
    made.close()


@dataclass
class OneContext:
    """A listener with one certificate."""

    context: ssl.SSLContext
    needs_client_hello: bool = False

    def context_for(self, _: ClientHello) -> ssl.SSLContext:
        return self.context


def accepting(listener: ListenSocket, tls: ssl.SSLContext | None = None) -> Acceptor:
    return Acceptor(listener.sockets[0].dup(), Greeting, OneContext(tls) if tls else None, 5.0)


@asynccontextmanager
async def caller(listener: ListenSocket) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.address.port)
    yield reader
    writer.close()
    await writer.wait_closed()


async def test_a_connection_whose_first_bytes_are_not_waited_for_needs_no_timer(
    listener: ListenSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "timeout", lambda _: pytest.fail("a timer is set for each connection"))
    door = accepting(listener)
    async with caller(listener) as reader:
        assert await reader.read() == b"hello"
    door.close()


async def test_a_connection_whose_first_bytes_are_not_waited_for_needs_no_task(
    listener: ListenSocket,
) -> None:
    loop, made = asyncio.get_running_loop(), list[object]()

    def make(_: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop, **more)

    door = accepting(listener)
    loop.set_task_factory(make)
    with socket.create_connection(listener.sockets[0].getsockname()):
        await until(lambda: Greeting.made)
    loop.set_task_factory(None)
    assert made == []
    door.close()


async def test_a_crowd_is_let_in_at_a_few_looks(listener: ListenSocket) -> None:
    async with AsyncExitStack() as crowd:
        for _ in range(CROWD):
            await crowd.enter_async_context(caller(listener))
        door = accepting(listener)
        for _ in range(10):
            await asyncio.sleep(0)
        assert Greeting.made == CROWD
        door.close()


async def test_where_nobody_accepts_any_more_what_waits_is_accepted_first(listener: ListenSocket) -> None:
    port = listener.address.port
    async with caller(listener) as reader:
        door = accepting(listener)
        listener.close()
        # Before the event loop has looked at the socket.
        door.close_for_all()
        door.close()
        await door.finish_handshakes(5.0)
        assert await reader.read() == b"hello"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_closed_it_takes_nobody_and_the_listener_lives_on(listener: ListenSocket) -> None:
    door = accepting(listener)
    door.close()
    door.close()
    async with caller(listener) as reader:
        second = accepting(listener)
        assert await asyncio.wait_for(reader.read(), 20) == b"hello"
        second.close()


async def test_who_was_accepted_last_still_gets_a_connection(listener: ListenSocket) -> None:
    door = accepting(listener)
    async with caller(listener) as reader:
        door._accept()  # as if the loop had seen the caller at the last moment
        door.close()
        await door.finish_handshakes(5.0)
        assert Greeting.made == 1
        assert await asyncio.wait_for(reader.read(), 20) == b"hello"


async def test_a_handshake_that_does_not_end_is_cut(listener: ListenSocket) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(server)
    door = accepting(listener, server)
    async with caller(listener) as reader:
        await until(lambda: door._handshakes)
        door.close()
        await door.finish_handshakes(0.01)
        door.abort_handshakes()
        assert await asyncio.wait_for(reader.read(), 20) == b""
        await door.finish_handshakes(5.0)
    assert Greeting.made == 0


async def test_connections_are_kept_alive_by_the_kernel_and_send_at_once(listener: ListenSocket) -> None:
    with socket.create_connection(listener.sockets[0].getsockname()):
        await until(lambda: bool(_accepted(listener)))


def _accepted(listener: ListenSocket) -> bool:
    try:
        found, _ = listener.sockets[0].accept()
    except BlockingIOError:
        return False
    with found:
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    return True


async def test_tls_is_spoken_and_a_handshake_that_fails_harms_nobody(listener: ListenSocket) -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    door = accepting(listener, server)
    where = ("localhost", listener.address.port)
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection(*where, ssl=ssl.create_default_context())
    reader, writer = await asyncio.open_connection(*where, ssl=client)
    assert await asyncio.wait_for(reader.read(), 20) == b"hello"
    writer.close()
    await writer.wait_closed()
    door.close()


@contextmanager
def no_more_files() -> Iterator[None]:
    """Nothing more can be opened meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_a_free_file_it_waits_and_takes_them_later(
    listener: ListenSocket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "RETRY_DELAY", 0.05)
    async with caller(listener) as reader:
        door = accepting(listener)
        with no_more_files():
            await until(lambda: bool(caplog.messages))
        assert await asyncio.wait_for(reader.read(), 20) == b"hello"
        door.close()
    assert "can't accept connections" in caplog.text


async def test_the_address_of_a_handshake_that_takes_too_long_is_told(listener: ListenSocket) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(server)
    told: list[str] = []
    door = Acceptor(listener.sockets[0].dup(), Greeting, OneContext(server), 0.05, too_slow=told.append)
    async with caller(listener) as reader:
        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert told == ["127.0.0.1"]
    assert Greeting.made == 0
    door.close()


@pytest.mark.parametrize("movable", [False, True])
async def test_a_connection_that_can_not_be_made_is_closed_and_logged(
    listener: ListenSocket, caplog: pytest.LogCaptureFixture, *, movable: bool
) -> None:
    def fails() -> asyncio.Protocol:
        raise ValueError("no protocol")

    door = Acceptor(listener.sockets[0].dup(), fails, movable=movable)
    async with caller(listener) as reader:
        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert [each.message for each in caplog.records] == ["accepting a connection failed"]
    await door.finish_handshakes(0.0)
    assert not door._handshakes
    door.close()


async def test_to_be_told_that_nobody_waits_costs_no_accept(
    listener: ListenSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    accept_one = Acceptor._accept_one

    def counted(door: Acceptor) -> bool:
        asked.append(accept_one(door))
        return asked[-1]

    monkeypatch.setattr(Acceptor, "_accept_one", counted)
    door = accepting(listener)
    async with caller(listener) as reader:
        assert await asyncio.wait_for(reader.read(), 20) == b"hello"
    assert asked == [True]
    door.close()


class EarlyServer(asyncio.Protocol):
    """Sends back what comes."""

    awaits_last_response = begins = lost = False
    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.moved_to(transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)

    def moved_to(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class Early(Greeting):
    """Says hello at once, whatever transport it has."""

    awaits_last_response = begins = False

    def __init__(self) -> None:
        self.transports: list[asyncio.BaseTransport] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transports.append(transport)
        transport.write(b"hello")

    def eof_received(self) -> bool | None:
        return None

    def connection_lost(self, exc: BaseException | None) -> None:
        pass

    def moved_to(self, transport: asyncio.Transport) -> None:
        self.transports.append(transport)


async def test_who_is_accepted_last_is_left_to_the_event_loop(listener: ListenSocket) -> None:
    made = list[Early]()

    def make() -> Early:
        made.append(Early())
        return made[-1]

    door = Acceptor(listener.sockets[0].dup(), make, movable=True)
    async with caller(listener) as reader:
        assert await asyncio.wait_for(reader.readexactly(5), 20) == b"hello"
        door.close()
        await door.finish_handshakes(5.0)
        await until(lambda: len(made[0].transports) > 1)
        assert isinstance(made[0].transports[0], AcceptedTransport)
        last = made[0].transports[-1]
        assert isinstance(last, asyncio.Transport)
        assert not isinstance(last, AcceptedTransport)
        last.close()
        assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_a_crowd_is_left_to_the_event_loop_together(
    listener: ListenSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look after all of them: if each looked after all others, a thousand would wait for seconds."""
    made, looked = list[Early](), list[None]()
    finish = Acceptor._finish_opening

    def make() -> Early:
        made.append(Early())
        return made[-1]

    def counted(door: Acceptor) -> None:
        looked.append(None)
        finish(door)

    monkeypatch.setattr(Acceptor, "_finish_opening", counted)
    door = Acceptor(listener.sockets[0].dup(), make, movable=True)
    async with AsyncExitStack() as callers:
        for _ in range(CROWD // 3):
            await callers.enter_async_context(caller(listener))
        await until(lambda: len(made) == CROWD // 3)
        door.close()
        await door.finish_handshakes(5.0)
        await until(lambda: all(len(one.transports) > 1 for one in made))
        assert len(looked) < CROWD // 3
        for one in made:
            last = one.transports[-1]
            assert isinstance(last, asyncio.Transport)
            last.close()


async def test_tls_is_spoken_before_the_event_loop_watches(listener: ListenSocket) -> None:
    authority, made = trustme.CA(), list[EarlyServer]()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)

    def make() -> EarlyServer:
        made.append(EarlyServer())
        return made[-1]

    door = Acceptor(listener.sockets[0].dup(), make, OneContext(server), 5.0, movable=True)
    for _ in range(3):
        reader, writer = await asyncio.open_connection("localhost", listener.address.port, ssl=client)
        for number in range(3):
            writer.write(b"echo %d" % number)
            assert await asyncio.wait_for(reader.readexactly(6), 20) == b"echo %d" % number
        writer.close()
        await writer.wait_closed()
    await until(lambda: all(each.lost for each in made))
    assert not door._handshakes
    door.close()


async def test_a_handshake_is_bounded_before_the_event_loop_watches(listener: ListenSocket) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(server)
    told: list[str] = []
    door = Acceptor(
        listener.sockets[0].dup(),
        EarlyServer,
        OneContext(server),
        0.02,
        too_slow=told.append,
        movable=True,
    )
    async with caller(listener) as reader:
        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert told == ["127.0.0.1"]
    door.close()


async def test_what_precedes_tls_is_not_read_early(listener: ListenSocket) -> None:
    by_name = OneContext(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), needs_client_hello=True)
    sockets = listener.sockets[0]
    for door in (
        Acceptor(sockets.dup(), Early, by_name, movable=True),
        Acceptor(sockets.dup(), Early, proxies=lambda _: True, movable=True),
    ):
        assert door._early is None
        door.close()
