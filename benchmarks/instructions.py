"""`python -m benchmarks.instructions`: the CPU instructions that one request costs, counted by cachegrind.

Times differ from run to run; instructions hardly do. A gateway runs under `valgrind --tool=cachegrind` and is sent
a number of requests one after the other over one connection. A second gateway is sent none of them, and is
otherwise treated alike; a third one does nothing for some seconds, which shows what timers cost. The difference,
divided by the number of requests, is what a request costs in user space. The kernel and the store are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from benchmarks.peers.gatepost import ASKING, FORM, Gatepost

KEPT = Path(__file__).with_suffix(".json")
"""The figures that `tests/benchmarks/test_instructions.py` compares with, for each build of Python."""
REQUESTS = 2000
IDLE = 8.0
"""Seconds in which what a gateway does without requests is counted."""
WARM_UP = 200
"""Requests that both gateways are sent: caches are filled."""
ALL_CORES = frozenset(os.sched_getaffinity(0))
_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: fixed\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request."""

    name: str
    request: Callable[[Gatepost], bytes]


def _get(path: str) -> Callable[[Gatepost], bytes]:
    def make(gatepost: Gatepost) -> bytes:
        return _request("GET", path, f"Authorization: Bearer {gatepost.token()}")

    return make


def _post(form: str) -> Callable[[Gatepost], bytes]:
    def make(_: Gatepost) -> bytes:
        return _request("POST", "/token", *FORM, body=form)

    return make


def _request(method: str, path: str, *headers: str, body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


CASES = (
    Case("GET, token checked, 120 B", _get("/120")),
    Case("GET, token checked, 1 KiB", _get("/1024")),
    Case("POST /token, reused", _post(ASKING)),
    Case("POST /token, new", _post(f"{ASKING}&validity_period=600")),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request costs."""

    instructions: float
    store_commands: float


@dataclass(frozen=True, slots=True)
class _Run:
    """What one gateway did."""

    instructions: int
    store_commands: int
    seconds: float


class CountedGatepost(Gatepost):
    """A Gatepost under cachegrind. `source`: the folder of another version of the project."""

    limit = 300.0

    def __init__(self, folder: Path, upstream: int, name: str, source: Path | None = None) -> None:
        super().__init__(folder, upstream, name=name, cores=ALL_CORES)
        self._counts = self.folder / "counts"
        self._source = source

    def command(self) -> Sequence[str]:
        # Without hash randomization, dictionaries have the same collisions in each run.
        environment = ["env", "PYTHONHASHSEED=0"]
        if self._source is not None:
            environment.append(f"PYTHONPATH={self._source}")
        counting = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--trace-children=no"]
        return [*environment, *counting, f"--cachegrind-out-file={self._counts}", *super().command()]

    def ready(self) -> bool:
        """Whether it says so. It is not asked: how often would differ."""
        return "ready on" in self.output()

    def counted(self) -> int:
        """Its instructions from start to end. It must have stopped."""
        found = re.search(r"^summary: (\d+)", self._counts.read_text(), re.MULTILINE)
        if found is None:
            raise RuntimeError(f"cachegrind counted nothing: {self.output()[-2000:]}")
        return int(found[1])


class FixedUpstream:
    """Answers `GET /N` with N bytes, from threads of this process."""

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
        with connection, connection.makefile("rb") as received, suppress(OSError):
            while line := received.readline():
                while received.readline() not in {b"\r\n", b""}:
                    pass
                size = int(line.split(b" ", 2)[1].strip(b"/"))
                connection.sendall(_HEAD % size + b"x" * size)


class Client:
    """Some connections to a gateway, each with one request at a time."""

    def __init__(self, port: int, connections: int) -> None:
        self._open = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        self._received = [each.makefile("rb") for each in self._open]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        for received in self._received:
            received.close()
        for connection in self._open:
            connection.close()

    def send(self, request: bytes, times: int) -> None:
        """Sends the request so many times on each connection: on all of them, then reads all responses."""
        for _ in range(times):
            for connection in self._open:
                connection.sendall(request)
            for received in self._received:
                _read_response(received)


def _read_response(received: BinaryIO) -> None:
    status = received.readline()
    if not status.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"answered with {status!r}")
    length = 0
    while (line := received.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    received.read(length)


class Counter:
    """Counts the cost of cases, each with a gateway of its own."""

    def __init__(
        self,
        folder: Path,
        upstream: int,
        cases: Sequence[Case],
        *,
        connections: int = 1,
        source: Path | None = None,
    ) -> None:
        self._folder, self._upstream, self._cases, self._source = folder, upstream, cases, source
        self._connections = connections
        self._runs = 0
        self._base = self._run()
        self._idle = self._run(idle=IDLE)

    def cost(self, case: Case, requests: int = REQUESTS) -> Cost:
        """What one request of this case costs."""
        run, base, idle = self._run(case, requests), self._base, self._idle
        # On a busy machine the requests take longer, and timers do more beside them.
        periods = (run.seconds - base.seconds) / (idle.seconds - base.seconds)
        instructions = (
            run.instructions - base.instructions - periods * (idle.instructions - base.instructions)
        )
        commands = (
            run.store_commands - base.store_commands - periods * (idle.store_commands - base.store_commands)
        )
        return Cost(instructions / requests, commands / requests)

    def _run(self, measured: Case | None = None, requests: int = 0, *, idle: float = 0) -> _Run:
        """A gateway's whole life. `idle`: seconds in which it does nothing for clients."""
        self._runs += 1
        gatepost = CountedGatepost(self._folder, self._upstream, f"run {self._runs}", self._source)
        try:
            gatepost.start()
            began = time.monotonic()
            with Client(gatepost.port, self._connections) as client:
                for case in self._cases:
                    request = case.request(gatepost)
                    client.send(request, WARM_UP // self._connections)
                    if case is measured:
                        client.send(request, requests // self._connections)
            time.sleep(idle)
            seconds = time.monotonic() - began
            assert gatepost.store is not None
            commands = gatepost.store.commands()
        finally:
            gatepost.stop()
        return _Run(gatepost.counted(), commands, seconds)


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
    with tempfile.TemporaryDirectory(prefix="instructions-") as folder, closing(FixedUpstream()) as upstream:
        counter = Counter(
            Path(folder), upstream.port, cases, connections=options.connections, source=options.source
        )
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
