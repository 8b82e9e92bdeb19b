"""`python -m benchmarks.overload`: twice the requests that can be answered, in an open loop, for half a minute.

Two cases. In the first the upstream is what can't answer more, one request after the other; in the second it is
a worker of Gatepost, without its fast path, so that the load can send twice as many. What is let in should
take less than 100 ms (99 of 100), what is refused should be refused early, and a second after the load nothing
should be. It needs two cores of its own: where it is late itself (the last column), it measures the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from socket import create_server, socket

from benchmarks import wrk
from benchmarks.load import LOAD_CORE, Load
from benchmarks.paced import BROKEN, NEVER, Note, at_random, play
from benchmarks.peers.gatepost import Gatepost, routes
from benchmarks.peers.upstream import Upstream

CONNECTIONS = 900
TAKES = 0.005
"""Seconds for which the slow upstream is busy with each request."""
WARM_UP = 2.0
"""Seconds of half the capacity before."""
CALM, CALM_SECONDS = 0.25, 3.0
"""Of the capacity: the load afterwards."""
UPSTREAM, WORKER = "upstream", "worker"
P99, GOODPUT, BACK, LATE = "p99", "goodput", "back", "late"
HEADING = """\
| what can't do more | capacity | answered, of the capacity | p99 | refused (p99) | lost | back | load late |
|---|---|---|---|---|---|---|---|
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def slow_upstream() -> Iterator[int]:
    """A server with one thread for all requests, each of which takes its time; its port."""
    turn = threading.Lock()

    def serve(connection: socket) -> None:
        with connection:
            while connection.recv(65_536):
                with turn:
                    time.sleep(TAKES)
                connection.sendall(ANSWER)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with create_server(("127.0.0.1", 0), backlog=1024) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one case."""

    case: str
    capacity: float
    """Requests a second."""
    admitted: Sequence[float]
    refused: Sequence[float]
    lost: int
    back: float
    """Seconds from the end of the load to the last refusal."""
    late: float
    """Seconds that the load itself was late with a request: 99 of 100 less."""

    def line(self, seconds: float) -> str:
        """A line of the table."""
        refused = f"{len(self.refused)} ({_p99(self.refused) * 1e3:.1f} ms)" if self.refused else "0"
        return (
            f"| {self.case} | {self.capacity:.0f}/s | {self.goodput(seconds):.2f} | {_p99(self.admitted) * 1e3:.1f} ms "
            f"| {refused} | {self.lost} | {self.back:.2f} s | {self.late * 1e3:.1f} ms |"
        )

    def goodput(self, seconds: float) -> float:
        """What was answered, as a share of the capacity."""
        return len(self.admitted) / seconds / self.capacity

    def figures(self, seconds: float) -> dict[str, float]:
        """What the page shows: milliseconds, a share, seconds, milliseconds."""
        return {
            P99: _p99(self.admitted) * 1e3,
            GOODPUT: self.goodput(seconds),
            BACK: self.back,
            LATE: self.late * 1e3,
        }


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)] if values else 0.0


def measure(case: str, gatepost: Gatepost, capacity: float, seconds: float) -> Row:
    """Half the capacity, twice the capacity, and a quarter of it, one after the other."""
    token = f"Authorization: Bearer {gatepost.token()}"
    request = Load(f"http://127.0.0.1:{gatepost.port}/small", (token,)).text().encode()
    chance = Random(7)  # noqa: S311 (when requests come is no secret)
    end = WARM_UP + seconds
    times = [
        *at_random(capacity / 2, WARM_UP, chance),
        *(WARM_UP + due for due in at_random(2 * capacity, seconds, chance)),
        *(end + due for due in at_random(CALM * capacity, CALM_SECONDS, chance)),
    ]
    notes = play(gatepost.port, request, CONNECTIONS, times).notes
    return judged(case, capacity, [note for note in notes if note.due >= WARM_UP], end)


def judged(case: str, capacity: float, notes: Sequence[Note], end: float) -> Row:
    """What became of the requests of the overload, which were due before `end`, and of those after it."""
    over = [note for note in notes if note.due < end]
    refused = [note.took for note in over if note.status not in (200, BROKEN, NEVER)]
    admitted = [note.took for note in over if note.status == 200]
    back = max((note.due - end for note in notes if note.due >= end and note.status != 200), default=0.0)
    late = [note.late for note in over]
    return Row(case, capacity, admitted, refused, len(over) - len(admitted) - len(refused), back, _p99(late))


def run_overload(seconds: float) -> dict[str, dict[str, float]]:
    """Both cases, from a process of its own: the figures of each."""
    command = [sys.executable, "-m", "benchmarks.overload", "--json", "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Reads the options, runs, prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of load in each case")
    parser.add_argument("--json", action="store_true", help="prints figures, not a table")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    rows: list[Row] = []
    for row in both(options.seconds):
        if not options.json:
            print(("" if rows else HEADING) + row.line(options.seconds), flush=True)
        rows.append(row)
    if options.json:
        print(json.dumps({row.case: row.figures(options.seconds) for row in rows}))


def both(seconds: float) -> Iterator[Row]:
    """The two cases, one after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="overload-") as folder,
        slow_upstream() as slow,
        ExitStack() as started,
    ):
        fast = Upstream(Path(folder))
        name, server = "Gatepost, adaptive", {"servers": [{"url": f"http://127.0.0.1:{slow}"}]}
        adaptive = Gatepost(
            Path(folder), slow, name=name, upstreams={"backend": {**server, "adaptive_concurrency": {}}}
        )
        worker = Gatepost(
            Path(folder), fast.port, name="Gatepost, short turns", routes=routes("/"),
            server={"fast_lane": False, "max_event_loop_delay": "15ms"},
        )  # fmt: skip
        for each in (fast, adaptive, worker):
            started.callback(each.stop)
            each.start()
        yield measure(UPSTREAM, adaptive, 1 / TAKES, seconds)
        token = f"Authorization: Bearer {worker.token()}"
        top = wrk.run(Load(f"http://127.0.0.1:{worker.port}/small", (token,)), 3).rate
        yield measure(WORKER, worker, top, seconds)


if __name__ == "__main__":
    main()
