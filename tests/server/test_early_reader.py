"""Connections whose first request is read at once, on both event loops that may serve."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from gateway.server import early_reader
from gateway.server.accepted_transport import AcceptedTransport
from gateway.server.early_reader import EarlyReader
from tests.raw import LIMIT, until
from tests.upstream.conftest import LOOPS

LARGE = b"x" * 5_000_000
RST = struct.pack("ii", 1, 0)


class Answering:
    """Answers `echo` at once, and `last` when it is told to, for the last time."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.received = b""
        self.awaits_last_response = self.begins = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, AcceptedTransport)
        self.told.append("made")
        self.transport = transport

    def moved_to(self, transport: asyncio.Transport) -> None:
        self.told.append("moved")
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        if data == b"last":
            self.awaits_last_response, self.begins = True, False
        elif data == b"echo":
            self.open.write(data)
        elif data == b"begin":
            self.begins = True
        elif data == b"pause":
            self.open.pause_reading()
        elif data == b"abort":
            self.open.abort()
            self.told.append("aborted")
        elif data == b"fail":
            raise ValueError("a request that can't be borne")

    def answer(self, data: bytes = b"answer") -> None:
        self.open.write(data)
        self.open.close()

    def eof_received(self) -> bool:
        self.told.append("eof")
        return False

    def pause_writing(self) -> None:
        self.told.append("paused")

    def resume_writing(self) -> None:
        self.told.append("resumed")

    def connection_lost(self, exc: BaseException | None) -> None:
        self.told.append("lost")

    @property
    def open(self) -> asyncio.Transport:
        assert self.transport is not None
        return self.transport


class Stage:
    """A port from which each connection is accepted when a test says so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.made: list[Answering] = []
        self.watched: list[AcceptedTransport] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.failing = self.ended = False
        self._client: object = None
        self.reader = EarlyReader((self._listener.family, self._listener.type), self._make, self._watch)

    def _make(self, name: object) -> Answering | None:
        assert name == self._client
        if self.failing:
            return None
        self.made.append(Answering())
        return self.made[-1]

    def _watch(self, transport: AcceptedTransport, descriptor: int) -> socket.socket:
        sock = socket.socket(fileno=descriptor)
        self.watched.append(transport)
        making = self._loop.connect_accepted_socket(lambda: transport, sock)
        self._tasks.append(self._loop.create_task(making))
        return sock

    @contextlib.contextmanager
    def client(self, first: bytes = b"") -> Iterator[socket.socket]:
        with socket.create_connection(self._listener.getsockname(), LIMIT) as client:
            if first:
                client.sendall(first)
            accepted, self._client = self._listener.accept()
            self.reader.begin([(accepted.detach(), self._client)])
            yield client

    async def read(self, client: socket.socket, size: int = 65_536) -> bytes:
        return await asyncio.to_thread(client.recv, size)

    async def end(self) -> None:
        self._listener.close()
        if not self.ended:
            self.reader.close()
        for each in self.made:
            if "lost" not in each.told:
                each.open.abort()
        await until(lambda: all("lost" in each.told for each in self.made))


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], None]:
    """Runs a test with a stage of its own."""

    def run(scenario: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
        async def staged() -> None:
            stage = Stage()
            try:
                await scenario(stage)
            finally:
                await stage.end()

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(staged())

    return run


Run = Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], None]


def test_a_last_request_that_has_come_is_answered_without_the_event_loop(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client(b"last") as client:
            (made,) = stage.made
            assert (made.received, made.told) == (b"last", ["made"])
            made.answer()
            assert made.told == ["made", "lost"]
            assert await stage.read(client) == b"answer"
            assert await stage.read(client) == b""
        assert stage.watched == []

    run(scenario)


def test_a_last_request_that_comes_soon_is_answered_without_the_event_loop(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_reader, "PATIENCE", LIMIT)

    async def scenario(stage: Stage) -> None:
        with stage.client() as client:
            (made,) = stage.made
            assert made.told == ["made"]
            client.sendall(b"last")
            await until(lambda: made.received)
            made.answer()
            assert await stage.read(client) == b"answer"
            assert await stage.read(client) == b""
        assert (stage.watched, made.told) == ([], ["made", "lost"])

    run(scenario)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_connection_that_is_kept_is_left_to_the_event_loop(run: Run, at_once: bool) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client(b"echo" if at_once else b"") as client:
            (made,) = stage.made
            if not at_once:
                client.sendall(b"echo")
            assert await stage.read(client) == b"echo"
            client.sendall(b"echo")
            assert await stage.read(client) == b"echo"
            await until(lambda: "moved" in made.told)
            assert not isinstance(made.transport, AcceptedTransport)
            made.answer()
            assert await stage.read(client) == b"answer"
            await until(lambda: "lost" in made.told)
        assert (made.told, len(stage.watched)) == (["made", "moved", "lost"], 1)

    run(scenario)


@pytest.mark.parametrize("first", [b"", b"last"])
def test_what_takes_its_time_is_left_to_the_event_loop(
    run: Run, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(early_reader, "PATIENCE", 0.01)

    async def scenario(stage: Stage) -> None:
        with stage.client(first) as client:
            (made,) = stage.made
            await until(lambda: "moved" in made.told)
            client.sendall(b"more")
            await until(lambda: made.received == first + b"more")
            made.answer()
            assert await stage.read(client) == b"answer"

    run(scenario)


@pytest.mark.parametrize("first", [b"", b"last"])
def test_that_a_client_has_gone_is_heard(run: Run, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(early_reader, "PATIENCE", 0.01)

    async def scenario(stage: Stage) -> None:
        with stage.client(first):
            (made,) = stage.made
        await until(lambda: "lost" in made.told)
        assert "eof" in made.told

    run(scenario)


def test_a_client_that_resets_is_heard(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        (made,) = stage.made
        await until(lambda: "lost" in made.told)

    run(scenario)


def test_what_comes_before_a_last_request_needs_no_event_loop_either(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_reader, "PATIENCE", LIMIT)

    async def scenario(stage: Stage) -> None:
        with stage.client(b"begin") as client:
            (made,) = stage.made
            for _ in range(2):
                client.sendall(b"begin")
                await until(lambda: made.received.endswith(b"begin"))
                made.received = b""
            client.sendall(b"last")
            await until(lambda: made.awaits_last_response)
            made.answer()
            assert await stage.read(client) == b"answer"
        assert stage.watched == []

    run(scenario)


def test_a_response_that_the_client_does_not_take_at_once_arrives_whole(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client(b"last") as client:
            (made,) = stage.made
            made.open.write(LARGE)
            assert made.open.get_write_buffer_size()
            made.answer()
            received = b""
            while data := await stage.read(client, len(LARGE)):
                received += data
            assert received == LARGE + b"answer"
            await until(lambda: "lost" in made.told)
        assert "paused" in made.told

    run(scenario)


def test_bytes_behind_a_last_request_do_not_reset_the_response(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client(b"last") as client:
            client.sendall(b"\r\n" * 100)
            await asyncio.sleep(0.02)
            stage.made[0].answer()
            await asyncio.sleep(0.02)
            assert await stage.read(client) == b"answer"
            assert await stage.read(client) == b""

    run(scenario)


def test_a_pause_leaves_the_connection_to_the_event_loop_which_does_not_read(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client(b"pause") as client:
            (made,) = stage.made
            await until(lambda: "moved" in made.told)
            client.sendall(b"more")
            await asyncio.sleep(0.05)
            assert made.received == b"pause"
            made.open.resume_reading()
            await until(lambda: made.received == b"pausemore")

    run(scenario)


def test_a_protocol_is_not_told_of_the_end_while_it_is_being_called(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        with stage.client(b"abort"):
            (made,) = stage.made
            assert made.told == ["made", "aborted"]
            await until(lambda: made.told == ["made", "aborted", "lost"])

    run(scenario)


def test_a_protocol_that_fails_loses_its_connection_and_no_other(run: Run) -> None:
    async def scenario(stage: Stage) -> None:
        failures: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: failures.append(context["exception"])
        )
        with stage.client(b"fail") as client, stage.client(b"echo") as other:
            assert await stage.read(client) == b""
            assert await stage.read(other) == b"echo"
            await until(lambda: stage.made[0].told == ["made", "lost"])
        stage.failing = True
        with stage.client() as client:
            assert await stage.read(client) == b""
        assert [str(each) for each in failures] == ["a request that can't be borne"]

    run(scenario)


def test_a_reader_that_ends_leaves_all_to_the_event_loop(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_reader, "PATIENCE", LIMIT)

    async def scenario(stage: Stage) -> None:
        with stage.client() as silent, stage.client(b"last") as waiting:
            stage.reader.close()
            stage.ended = True
            assert len(stage.watched) == 2
            silent.sendall(b"echo")
            assert await stage.read(silent) == b"echo"
            stage.made[1].answer()
            assert await stage.read(waiting) == b"answer"

    run(scenario)
