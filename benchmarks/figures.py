"""Numbers that are no load's: memory, and the time that a start takes. Each has a Gatepost of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import wrk
from benchmarks.answers import complete
from benchmarks.contender import KEEPING, Contender
from benchmarks.gateposts import BOTH_CORES
from benchmarks.load import Load
from benchmarks.machine import resident_mib
from benchmarks.names import GATEPOST, NGINX, ON_REDIS, TWO_WORKERS
from benchmarks.overload import BACK, GOODPUT, LATE, P99, UPSTREAM, WORKER, run_overload
from benchmarks.peers.gatepost import Gatepost
from benchmarks.reloads import RELOAD, reload_latency
from benchmarks.samples import Figure
from benchmarks.stand import TOKEN, Stand
from benchmarks.store import Store
from benchmarks.tokens import make_tokens
from gateway.process.library_pages import SETTLED

WORKER_MEMORY = "memory of a worker after a load with 1,000 connections"
STORE_SPACE = "a live token in the store"
REUSABLE_SPACE = "a live token in the store, with what finds it again"
IDLE_CONNECTION = "memory of a kept connection that is idle"
START = "start to first token, embedded store"
HELP = "`gatepost --help`"
OVERLOAD = {UPSTREAM: "twice what the upstream can answer", WORKER: "twice what the worker can answer"}
"""In an open loop, for half a minute."""
OVERLOAD_FIGURES = {
    P99: ("p99 of what is let in", "ms"),
    GOODPUT: ("answered, of the capacity", ""),
    BACK: ("until nothing is refused afterwards", "s"),
    LATE: ("p99 of the load's own lateness", "ms"),
}
OVERLOAD_SECONDS = 30.0
COUNT = 20_000
STARTS = 3
"""In each round."""
IDLE_CONNECTIONS = 2000

Take = Callable[[Stand, int, float], list[Figure]]


@dataclass(frozen=True, slots=True)
class Question:
    """Something to find out; `take` is given the stand, the round, and the seconds of a load."""

    name: str
    take: Take
    seconds: float
    """About how long that takes."""
    once: bool = False
    """It is the same in each round."""
    figures: tuple[str, ...] = ()
    """What is found, where that has names of its own."""


def worker_memory(stand: Stand, number: int, seconds: float) -> list[Figure]:
    """One worker alone, and the larger of two beside their supervisor."""
    found = []
    for name, workers in ((GATEPOST, 1), (TWO_WORKERS, 2)):
        with stand.fresh(server={"workers": workers}, cores=BOTH_CORES if workers > 1 else {0}) as gatepost:
            gatepost.start()
            header = f"Authorization: Bearer {gatepost.token()}"
            load = Load(f"http://127.0.0.1:{gatepost.port}/small", (header,), connections=1000)
            wrk.run(load, seconds)
            pids = gatepost.pids[1:] if workers > 1 else gatepost.pids
            largest = max(resident_mib([pid]) for pid in pids)
        found.append(Figure(WORKER_MEMORY, name, number, largest, "MiB"))
    return found


def idle_memory(stand: Stand, number: int, _: float) -> list[Figure]:
    """What each of many connections adds that have been answered once."""
    with stand.fresh() as gatepost:
        gatepost.start()
        token = gatepost.token()
        # What only the start needed of libraries is unmapped then.
        time.sleep(SETTLED + 1)
        own = connection_memory(gatepost, token)
    found = [Figure(IDLE_CONNECTION, GATEPOST, number, own, "KiB")]
    with stand.fresh_nginx() as nginx:
        if nginx is not None:
            found.append(Figure(IDLE_CONNECTION, NGINX, number, connection_memory(nginx, TOKEN), "KiB"))
    return found


def connection_memory(contender: Contender, token: str) -> float:
    """KiB, beside what the first few hundred have made it allocate."""
    request = Load(f"http://127.0.0.1:{contender.port}/small", (f"Authorization: Bearer {token}",))
    with ExitStack() as connections:
        kept_connections(connections, contender.port, request.text(), IDLE_CONNECTIONS // 10)
        before = contender.memory()
        kept_connections(connections, contender.port, request.text(), IDLE_CONNECTIONS)
        return (contender.memory() - before) * 1024 / IDLE_CONNECTIONS


def kept_connections(open_ones: ExitStack, port: int, request: str, count: int) -> None:
    """Opens so many, each of which is answered once."""
    for _ in range(count):
        made = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 5))
        made.sendall(request.encode())
        received = b""
        while not complete(received):
            if not (data := made.recv(65_536)):
                raise RuntimeError("a connection is closed")
            received += data
        if not received.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"answered with {received[:100]!r}")


def token_memory(stand: Stand, number: int, _: float) -> list[Figure]:
    """Bytes of the store's memory, over many."""
    found = []
    for name, url in ((GATEPOST, None), (ON_REDIS, stand.redis_url)):
        # As long as the usual prefix. A gateway with other master keys doesn't share one.
        for case, prefix, reusable in (
            (STORE_SPACE, "measure1:", False),
            (REUSABLE_SPACE, "measure2:", True),
        ):
            changes = {} if url is None else {"store": {"url": url, "prefix": prefix}}
            with stand.fresh(scopes={"allowed": ["device_*"]}, **changes) as gatepost:
                gatepost.start()
                assert gatepost.store is not None
                each = bytes_each(gatepost, gatepost.store, reusable=reusable)
            found.append(Figure(case, name, number, each, "bytes"))
    return found


def bytes_each(gatepost: Gatepost, store: Store, *, reusable: bool) -> float:
    """What one of many tokens takes in the store."""
    before = store.memory()
    kept = make_tokens(gatepost, COUNT, reusable=reusable)
    return (store.memory() - before) / len(kept.read_text().splitlines())


def first_token(stand: Stand, number: int, _: float) -> list[Figure]:
    """Some starts, each in a folder without anything."""
    return [Figure(START, GATEPOST, number, one_start(stand), "s") for _ in range(STARTS)]


def one_start(stand: Stand) -> float:
    """Seconds from the start of the process to the first token, on all cores, as a user starts it."""
    with stand.fresh(cores=BOTH_CORES) as gatepost:
        command = gatepost.command()
        began = time.perf_counter()
        gatepost.launch(command)
        while not gatepost.ready():
            time.sleep(0.005)
            if time.perf_counter() - began > 20:
                raise RuntimeError("no token came")
        return time.perf_counter() - began


def help_time(_: Stand, number: int, __: float) -> list[Figure]:
    """How long a command takes that does next to nothing."""
    found = []
    for _once in range(STARTS):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "gateway", "--help"], check=True, stdout=subprocess.DEVNULL, env=KEEPING
        )
        found.append(Figure(HELP, GATEPOST, number, time.perf_counter() - began, "s"))
    return found


def overload_name(case: str, quantity: str) -> str:
    """What one number of an overload is called."""
    return f"{OVERLOAD[case]}: {OVERLOAD_FIGURES[quantity][0]}"


def overload(_: Stand, number: int, __: float) -> list[Figure]:
    """What becomes of requests that are too many."""
    return [
        Figure(overload_name(case, quantity), GATEPOST, number, value, OVERLOAD_FIGURES[quantity][1])
        for case, figures in run_overload(OVERLOAD_SECONDS).items()
        for quantity, value in figures.items()
    ]


QUESTIONS = (
    Question(
        "overload",
        overload,
        90,
        once=True,
        figures=tuple(overload_name(case, quantity) for case in OVERLOAD for quantity in OVERLOAD_FIGURES),
    ),
    Question(WORKER_MEMORY, worker_memory, 20),
    Question(STORE_SPACE, token_memory, 40, once=True),
    Question(IDLE_CONNECTION, idle_memory, 12),
    Question(START, first_token, 6),
    Question(HELP, help_time, 1),
    Question(RELOAD, reload_latency, 60),
)
