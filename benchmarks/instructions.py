"""`python -m benchmarks.instructions`: the CPU instructions that one request costs, counted by callgrind.

Times differ from run to run; instructions hardly do. A gateway runs under `valgrind --tool=callgrind` and is sent
requests of each kind, one after the other over one connection. What it executes meanwhile, less what its timers
execute in as much time without requests, is what they cost in user space. The kernel and the store are not counted.

The timers execute 2.5 million instructions a second, and fewer on a busy machine: cases that take long for what they do,
as do parts of a stream, differ from run to run by 2,000. Compare versions there with an event loop whose timers wait.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice, repeat
from pathlib import Path
from threading import Thread

from benchmarks.connecting import ConnectingClient
from benchmarks.instruction_cases import CASES, EVENT, Case, Connecting, Request, Segment, config
from benchmarks.peers.gatepost import Gatepost
from benchmarks.peers.streams import echoed

KEPT = Path(__file__).with_suffix(".json")
"""The figures that `tests/benchmarks/test_instructions.py` compares with, for each build of Python."""
REQUESTS = 500
IDLE = 8.0
"""Seconds in which what a gateway does without requests is counted."""
WARM_UP = 100
"""Requests of each kind before those that are counted: caches are filled."""
ALL_CORES = frozenset(os.sched_getaffinity(0))
_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: fixed\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n"
)
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
_SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
_BETWEEN_PIECES = 0.005
_BETWEEN_SEGMENTS = 0.01
"""Seconds in which a gateway under callgrind has read the one before."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request costs."""

    instructions: float
    store_commands: float


@dataclass(frozen=True, slots=True)
class _Count:
    """What a gateway did in some time."""

    instructions: int
    store_commands: int
    seconds: float


class CountedGatepost(Gatepost):
    """A Gatepost under callgrind, which counts when it is told to. `source`: another version of the project."""

    limit = 300.0

    def __init__(self, folder: Path, upstream: int, source: Path | None = None) -> None:
        super().__init__(folder, upstream, name="counted", cores=ALL_CORES, **config(folder))
        self._counts = self.folder / "counts"
        self._source = source
        self._parts = 0

    def command(self) -> Sequence[str]:
        # Without hash randomization, dictionaries have the same collisions in each run. The plugin of a case is
        # found whatever version of the project is counted.
        plugins = Path(__file__).with_name("peers")
        paths = os.pathsep.join(str(path) for path in (self._source, plugins) if path)
        environment = ["env", "PYTHONHASHSEED=0", f"PYTHONPATH={paths}"]
        counting = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
        return [*environment, *counting, f"--callgrind-out-file={self._counts}", *super().command()]

    def ready(self) -> bool:
        """Whether it says so. It is not asked: how often would differ."""
        return "ready on" in self.output()

    def tell(self, *words: str) -> None:
        """A command for callgrind (manual, section 6.5)."""
        assert self._process is not None
        asked = ["vgdb", f"--pid={self._process.pid}", *words]
        subprocess.run(asked, check=True, capture_output=True, timeout=self.limit)

    def counted(self) -> int:
        """Its instructions since `tell("zero")`."""
        self.tell("dump")
        self._parts += 1
        part = Path(f"{self._counts}.{self._parts}").read_text()
        found = re.search(r"^totals: (\d+)", part, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"callgrind counted nothing: {self.output()[-2000:]}")
        return int(found[1])


class FixedUpstream:
    """Answers from threads of this process: `/N` with N bytes, `/chunked/N` with one chunk, `/behind/N` with a head
    and then N bytes, `/events/N` with N events as they come, `/socket/0` with a WebSocket that echoes.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accepts no more."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as received, suppress(OSError):
            while line := received.readline():
                self._read_rest(connection, received)
                *_, kind, number = line.split(b" ", 2)[1].split(b"/")
                if kind == b"socket":
                    _echo(connection)
                    return
                first, *behind = _answer(kind, int(number))
                connection.sendall(first)
                for piece in behind:
                    time.sleep(_BETWEEN_PIECES)
                    connection.sendall(piece)

    def _read_rest(self, connection: socket.socket, received: BufferedReader) -> None:
        headers = _read_headers(received)
        if b"expect" in headers:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        _read_body(headers, received)


def _answer(kind: bytes, number: int) -> Sequence[bytes]:
    """The pieces of an answer, which arrive one by one."""
    if kind == b"events":
        return (_EVENTS, *repeat(EVENT, number), b"0\r\n\r\n")
    if kind == b"behind":
        return (_HEAD % number, b"x" * number)
    if kind == b"chunked":
        return (_CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (number, b"x" * number),)
    return (_HEAD % number + b"x" * number,)


def _echo(connection: socket.socket) -> None:
    """Speaks WebSocket until the other end closes."""
    connection.sendall(_SWITCHED)
    received = bytearray()
    while data := connection.recv(65_536):
        received += data
        connection.sendall(echoed(received))


def _read_headers(received: BufferedReader) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    while (line := received.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return headers


def _read_body(headers: Mapping[bytes, bytes], received: BufferedReader) -> None:
    if b"transfer-encoding" in headers:
        while size := int(received.readline(), 16):
            received.read(size + 2)
        received.readline()
    else:
        received.read(int(headers.get(b"content-length", 0)))


class Client:
    """Some connections to a gateway, each with one request at a time, or a stream."""

    def __init__(self, port: int, connections: int, opening: bytes = b"", answer: bytes = b"") -> None:
        """`opening`: the request that opens a stream. `answer`: what comes for each part of it."""
        self._open = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        for each in self._open:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = [each.makefile("rb") for each in self._open]
        self._answer, self._rest = answer, [b""] * connections
        if opening:
            for number, connection in enumerate(self._open):
                connection.sendall(opening)
                self._read_status(number, b"HTTP/1.1 ")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        for received in self._received:
            received.close()
        for connection in self._open:
            connection.close()

    def send(self, requests: Iterable[Request]) -> None:
        """Sends the requests: one on each connection, reads all responses, and goes on with the next."""
        remaining = iter(requests)
        while together := list(islice(remaining, len(self._open))):
            for connection, request in zip(self._open, together, strict=False):
                connection.sendall(request[0])
            for number, request in enumerate(together):
                for piece in request[1:]:
                    if isinstance(piece, Segment):
                        time.sleep(_BETWEEN_SEGMENTS)
                    else:
                        self._read_status(number, b"HTTP/1.1 100 ")
                    self._open[number].sendall(piece)
                self._read_answer(number)

    def _read_answer(self, number: int) -> None:
        received = self._received[number]
        if not self._answer:
            _read_body(self._read_status(number, b"HTTP/1.1 200 "), received)
            return
        # What comes for several parts may come as one chunk.
        rest = self._rest[number]
        while self._answer not in rest:
            if not (data := received.read1()):
                raise RuntimeError(f"ended with {rest!r}")
            rest += data
        self._rest[number] = rest.partition(self._answer)[2]

    def _read_status(self, number: int, wanted: bytes) -> dict[bytes, bytes]:
        status = self._received[number].readline()
        if not status.startswith(wanted):
            raise RuntimeError(f"answered with {status!r}")
        return _read_headers(self._received[number])


class Counter:
    """Counts the cost of cases, with one gateway. To be started and stopped."""

    def __init__(
        self, folder: Path, upstream: int, *, connections: int = 1, source: Path | None = None
    ) -> None:
        self._gatepost = CountedGatepost(folder, upstream, source)
        self._connections = connections
        self._idle = _Count(0, 0, 1)

    def __enter__(self) -> Counter:
        self._gatepost.start()
        self._gatepost.tell("instrumentation", "on")
        self._count(idle=IDLE)  # what it does behind its start
        self._idle = self._count(idle=IDLE)
        return self

    def __exit__(self, *_: object) -> None:
        self._gatepost.stop()

    def cost(self, case: Case, requests: int = REQUESTS) -> Cost:
        """What one request of this case costs."""
        made = case.requests(self._gatepost, WARM_UP + requests)
        count, idle = self._count(made, self._client(case)), self._idle
        # On a busy machine the requests take longer, and timers do more beside them.
        periods = count.seconds / idle.seconds
        instructions = count.instructions - periods * idle.instructions
        commands = count.store_commands - periods * idle.store_commands
        return Cost(instructions / requests, commands / requests)

    def _client(self, case: Case) -> Client | ConnectingClient:
        gatepost, stream, how = self._gatepost, case.stream, case.connecting
        if how is not None:
            return ConnectingClient(gatepost.port if how is Connecting.PLAIN else gatepost.tls_port, how)
        opened = () if stream is None else (stream.opening(gatepost), stream.answer)
        return Client(gatepost.port, self._connections, *opened)

    def _count(
        self,
        requests: Iterable[Request] = (),
        client: Client | ConnectingClient | None = None,
        *,
        idle: float = 0,
    ) -> _Count:
        """What the gateway does for these requests but the first ones, or in so many seconds without any."""
        gatepost = self._gatepost
        assert gatepost.store is not None
        with client or Client(gatepost.port, self._connections) as sending:
            remaining = iter(requests)
            sending.send(islice(remaining, WARM_UP))
            commands, began = gatepost.store.commands(), time.monotonic()
            gatepost.tell("zero")
            sending.send(remaining)
            time.sleep(idle)
            instructions = gatepost.counted()
        return _Count(instructions, gatepost.store.commands() - commands, time.monotonic() - began)


def python_build() -> str:
    """What instruction counts depend on, beside the code: the Python and how it was compiled."""
    return f"{platform.python_implementation()} {platform.python_version()}, {platform.python_compiler()}, {platform.machine()}"


def stored() -> dict[str, float]:
    """The kept figures of this build of Python, by the name of the case. Empty: there are none."""
    kept: dict[str, dict[str, float]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return kept.get(python_build(), {})


def store(costs: Mapping[str, Cost]) -> None:
    """Keeps these figures for this build of Python."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    figures = {name: round(cost.instructions) for name, cost in costs.items()}
    kept[python_build()] = kept.get(python_build(), {}) | figures
    KEPT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def main() -> None:
    """Reads the options, counts, prints, and keeps the figures if told to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--case", default="", help="only cases with this in their name")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--connections", type=int, default=1, help="that send requests side by side")
    parser.add_argument("--source", type=Path, help="the folder of another version of the project to count")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {KEPT.name}")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed")
    cases = [case for case in CASES if options.case in case.name]
    costs = {}
    with (
        tempfile.TemporaryDirectory(prefix="instructions-") as folder,
        closing(FixedUpstream()) as upstream,
        Counter(
            Path(folder), upstream.port, connections=options.connections, source=options.source
        ) as counter,
    ):
        for case in cases:
            cost = costs[case.name] = counter.cost(case, options.requests)
            print(
                f"{case.name}: {cost.instructions:,.0f} instructions, {cost.store_commands:.2f} store commands",
                flush=True,
            )
    if options.write:
        store(costs)


if __name__ == "__main__":
    main()
