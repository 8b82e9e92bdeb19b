"""What a protocol sees of a transport that the event loop does not watch yet. See also test_early_reader."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.server.accepted_transport import AcceptedTransport
from tests.server.test_early_reader import Answering

NAME = ("192.0.2.1", 1234)


class Early:
    """Writes down what it is told; the event loop does not watch."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def leave(self, transport: AcceptedTransport) -> None:
        self.told.append("leave")

    def watch(self, transport: AcceptedTransport) -> socket.SocketType:
        self.told.append("watch")
        return transport.sock


class Stage:
    """A transport with its protocol, and its client."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.early, self.protocol = client, Early(), Answering()
        loop = asyncio.get_running_loop()
        self.transport = AcceptedTransport(server, NAME, self.protocol, loop, self.early)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    client, server = socket.socketpair()
    with client, server:
        yield Stage(client, server)


async def test_a_transport_knows_the_other_end_and_the_socket(stage: Stage) -> None:
    transport = stage.transport
    assert transport.get_extra_info("peername") == NAME
    assert transport.get_extra_info("socket") is transport.sock
    assert transport.get_extra_info("sslcontext") is None
    assert transport.get_extra_info("cipher", "none") == "none"


async def test_a_transport_that_is_refused_is_not_read_from(stage: Stage) -> None:
    stage.protocol.connection_made = lambda transport: stage.transport.abort()  # type: ignore[method-assign]  # too many
    assert not stage.transport.connect()
    assert stage.client.recv(1) == b""
    assert stage.protocol.told == []
    await asyncio.sleep(0)
    assert stage.protocol.told == ["lost"]


async def test_only_who_begins_or_awaits_a_last_response_is_not_watched(stage: Stage) -> None:
    assert stage.transport.connect()
    stage.protocol.begins = True
    assert stage.transport.received(b"begin")
    assert not stage.transport.received(b"last")
    assert stage.early.told == []
    stage.protocol.awaits_last_response = False
    assert not stage.transport.received(b"more")
    assert stage.early.told == ["watch"]
    stage.transport.watch()
    assert stage.early.told == ["watch"]


async def test_what_is_written_behind_the_end_is_dropped(stage: Stage) -> None:
    stage.transport.connect()
    stage.transport.received(b"last")
    stage.protocol.answer()
    assert stage.transport.is_closing()
    stage.transport.write(b"late")
    stage.transport.close()
    stage.transport.abort()
    stage.transport.watch()
    assert stage.client.recv(100) == b"answer"
    assert stage.client.recv(100) == b""
    assert (stage.early.told, stage.protocol.told) == (["leave"], ["made", "lost"])


async def test_a_client_that_has_gone_ends_the_response(stage: Stage) -> None:
    stage.transport.connect()
    stage.transport.received(b"last")
    stage.client.close()
    stage.transport.write(b"answer")
    assert stage.transport.is_closing()
    await asyncio.sleep(0)
    assert stage.protocol.told == ["made", "lost"]


async def test_a_connection_that_the_event_loop_can_not_watch_is_lost(stage: Stage) -> None:
    stage.transport.connect()
    stage.transport.watch()
    assert not stage.transport.is_closing()
    stage.transport.connection_lost(OSError("no descriptor is left"))
    assert stage.transport.is_closing()
    assert stage.protocol.told == ["made", "lost"]


async def test_a_transport_is_not_closed_for_writing_alone_before_it_is_watched(stage: Stage) -> None:
    stage.transport.connect()
    assert not stage.transport.can_write_eof()
    stage.transport.write_eof()
    stage.transport.set_write_buffer_limits(1)
    stage.transport.resume_reading()
    assert stage.transport.is_reading()
    stage.transport.write(b"more")
    assert stage.client.recv(100) == b"more"
    assert stage.transport.get_write_buffer_size() == 0
