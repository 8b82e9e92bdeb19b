"""How long requests wait while a large configuration is reloaded, beside the same without a reload."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import Load
from benchmarks.names import GATEPOST
from benchmarks.paced import run_paced
from benchmarks.peers.gatepost import DEMO, Gatepost
from benchmarks.samples import Figure
from benchmarks.stand import Stand

ROUTES, CLIENTS = 10_000, 8_000
RELOAD = "slowest request in a reload of 10,000 routes and 8,000 clients"
QUIET = "slowest request without a reload, 10,000 routes and 8,000 clients"
SECONDS = "a reload of 10,000 routes and 8,000 clients"
PEAK = "memory of a worker at its highest, three reloads of 10,000 routes and 8,000 clients"
VERSIONS = (1, 2, 2)
"""What is loaded one after the other: two changes, and a file that has not changed."""
RATE = 500.0
"""Requests a second. They come at random times, and wait for nothing."""
CONNECTIONS = 16
LOAD_SECONDS = 6.0
"""Of each load; the reload is over before."""
SOON = 0.5
"""Seconds from the begin of a load to the reload."""
DONE = b"reloaded: the new configuration is active"
FILE = "many.yaml"


def reload_latency(stand: Stand, number: int, _: float) -> list[Figure]:
    """The slowest of all requests in some reloads, how long a reload takes, and the memory that they take."""
    with stand.fresh(include=[FILE], clients=[DEMO], routes=[]) as gatepost:
        gatepost.limit = 60
        write(gatepost.folder / FILE, 0)
        gatepost.start()
        header = f"Authorization: Bearer {gatepost.token()}"
        load = Load(f"http://127.0.0.1:{gatepost.port}/r5/small", (header,), connections=CONNECTIONS)
        quiet = slowest(load)
        reloads = [one_reload(gatepost, load, version) for version in VERSIONS]
        peak = peak_mib(gatepost.pids)
    return [
        Figure(RELOAD, GATEPOST, number, max(worst for worst, _ in reloads) * 1e3, "ms"),
        Figure(QUIET, GATEPOST, number, quiet * 1e3, "ms"),
        *(Figure(SECONDS, GATEPOST, number, took, "s") for _, took in reloads),
        Figure(PEAK, GATEPOST, number, peak, "MiB"),
    ]


def one_reload(gatepost: Gatepost, load: Load, version: int) -> tuple[float, float]:
    """The slowest request, and the seconds that the reload took."""
    write(gatepost.folder / FILE, version)
    output = gatepost.folder / "output"
    seen, took = output.stat().st_size, []

    def reload() -> None:
        time.sleep(SOON)
        begun = time.monotonic()
        os.kill(gatepost.pids[0], signal.SIGHUP)
        with output.open("rb") as lines:
            lines.seek(seen)
            text = b""
            while DONE not in text:
                time.sleep(0.02)
                text = text[-len(DONE) :] + lines.read()
        took.append(time.monotonic() - begun)

    reloading = threading.Thread(target=reload, daemon=True)
    reloading.start()
    worst = slowest(load)
    if not took:
        raise RuntimeError(f"the reload was not over after {LOAD_SECONDS - SOON:g} s")
    return worst, took[0]


def slowest(load: Load) -> float:
    """Seconds of the slowest request, from the moment at which it was due."""
    outcome = run_paced(load, LOAD_SECONDS, RATE)
    if outcome.wrong:
        raise RuntimeError(f"not all requests were answered: {outcome.wrong}")
    assert outcome.worst is not None
    return outcome.worst


def peak_mib(pids: Sequence[int]) -> float:
    """The most resident memory that one of them has had, in MiB."""
    texts = (Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return max(int(match[1]) / 1024 for text in texts if (match := re.search(r"VmHWM:\s*(\d+)", text)))


def write(file: Path, version: int) -> None:
    """The routes and clients. Of another version a tenth of them differs."""
    lines = ["routes:"]
    for number in range(ROUTES):
        scope = f"version.{version}" if number % 10 == 0 else "orders.read"
        lines.append(f"  - {{path: /r{number}, upstream: backend, scopes: [{scope}], methods: [GET, POST]}}")
    lines.append("clients:")
    for number in range(CLIENTS):
        scopes = f"orders.read, version.{version if number % 10 == 0 else 0}"
        lines.append(
            f'  - {{id: client-{number}, name: Application {number}, secrets: ["sha256:{number:064x}"],'
            f" grants: [client_credentials], scopes: [{scopes}], lifetime: 10m}}"
        )
    file.write_text("\n".join(lines) + "\n")
