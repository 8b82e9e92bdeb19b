"""A server under test: started on its core, asked until it answers, ended by its process id."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Sequence, Set
from contextlib import suppress
from pathlib import Path

from benchmarks.machine import cpu_seconds, family, resident_mib
from benchmarks.store import Store

CORE = frozenset({0})
KEEPING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment of programs: compiled modules are kept, as they are wherever somebody starts one twice."""
_PORTS = iter(range(20_000 + os.getpid() % 10_000, 32_000))


class Contender:
    """One server program with its configuration, in a folder of its own."""

    name = "?"
    limit = 20.0
    """Seconds in which it must have started, or ended."""

    store: Store | None = None
    """The Redis server that it asks, once it is started."""

    def __init__(self, folder: Path, *, cores: Set[int] = CORE) -> None:
        self.folder = folder / re.sub(r"[^A-Za-z0-9]+", "-", self.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cores = cores
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Writes the configuration; what to start."""
        raise NotImplementedError

    def launch(self, command: Sequence[str]) -> None:
        """Starts it, and does not wait."""
        cores = ",".join(map(str, self.cores))
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", cores, *command],
                cwd=self.folder, stdout=output, stderr=output, env=KEEPING,
            )  # fmt: skip

    def start(self) -> None:
        """Returns when the port answers."""
        self.launch(self.command())
        assert self._process is not None
        deadline = time.monotonic() + self.limit
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not start: {self.output()[-2000:]}")
            time.sleep(0.05)

    def ready(self) -> bool:
        """Whether it answers."""
        return answers(self.port)

    def output(self) -> str:
        """What it has printed."""
        return (self.folder / "output").read_text()

    def stop(self) -> None:
        """Ends it and everything below it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(self.limit)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def empty_logs(self) -> None:
        """What a long run writes would fill a disk. Who goes on at the old place leaves a hole, which takes none."""
        for each in (self.folder / "output", *self.folder.glob("*.log")):
            if each.exists():
                os.truncate(each, 0)

    @property
    def pids(self) -> list[int]:
        """Its processes, without a store that it keeps."""
        assert self._process is not None
        return family(self._process.pid)

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return cpu_seconds(self.pids)

    def memory(self) -> float:
        """MiB of resident memory."""
        return resident_mib(self.pids)


def free_port() -> int:
    """A port that nobody has now, nor gets by chance: the system gives out higher ones to who connects."""
    for port in _PORTS:
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def answers(port: int) -> bool:
    """Whether somebody accepts there."""
    with socket.socket() as asking:
        asking.settimeout(1)
        return asking.connect_ex(("127.0.0.1", port)) == 0
