"""Runs the real program as a subprocess."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.gateway_process import FORKED, GATEWAY, ForkedProcess
from tests.raw import LIMIT, RawClient
from tests.yaml_text import yaml_text

START_LIMIT = 60.0
"""Seconds. A start takes less than one, but longer on a loaded machine."""


ROOT = str(Path(__file__).parents[1])

INTERPRETER = ("PYTHON", "LD_", "MALLOC", "GLIBC")
"""What the names of variables begin with that a process must have from its beginning."""


def _started(
    program: Sequence[str],
    arguments: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    starter: Sequence[str],
) -> ForkedProcess | subprocess.Popen[str]:
    """A new process of the program; of those in `FORKED` a forked one, which is much cheaper."""
    whole = {**os.environ, "PYTHONPATH": ROOT, **environment}
    # In a run without workers of pytest's, new processes would import all of pytest.
    cheap = "PYTEST_XDIST_WORKER" in os.environ
    if (
        cheap
        and not starter
        and tuple(program) in FORKED
        and not any(name.startswith(INTERPRETER) for name in environment)
    ):
        return ForkedProcess(tuple(program), arguments, folder, whole)
    return subprocess.Popen(
        [*starter, sys.executable, *program, *arguments],
        close_fds=not starter,
        cwd=folder,
        env=whole,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


class Running:
    """A gateway in a subprocess, with its standard error as `lines`."""

    def __init__(
        self,
        config: dict[str, Any] | str,
        folder: Path,
        *arguments: str,
        program: Sequence[str] = GATEWAY,
        starter: Sequence[str] = (),
        **environment: str,
    ) -> None:
        """`starter`: a command that starts it, and may leave it descriptors of this process."""
        self.file = folder / "gateway.yaml"
        self.write(config)
        self.lines: list[str] = []
        self._process = _started(program, [str(self.file), *arguments], folder, environment, starter)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def write(self, config: dict[str, Any] | str) -> None:
        """Replaces the configuration file. Send SIGHUP (`signal`) to reload it."""
        self.file.write_text(config if isinstance(config, str) else yaml_text(config))

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    # Output.

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def await_ready(self) -> None:
        """Waits until the gateway is ready; fails with its output if it is not."""
        deadline = time.monotonic() + START_LIMIT
        while not self.found("gatepost: ready on "):
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"it is not ready:\n{self.output}"
            time.sleep(0.005)
        _ = self._ready  # cached, so that tests may clear `lines`

    def found(self, pattern: str) -> str | None:
        """The first line that matches the pattern, or None."""
        return next((line for line in self.lines[:] if re.search(pattern, line)), None)

    async def line(self, pattern: str) -> str:
        """Waits for a line that matches the pattern."""
        deadline = time.monotonic() + START_LIMIT
        while (line := self.found(pattern)) is None:
            assert time.monotonic() < deadline, f"no line with {pattern!r}:\n{self.output}"
            await asyncio.sleep(0.005)
        return line

    # Addresses.

    @cached_property
    def _ready(self) -> str:
        ready = self.found("gatepost: ready on ")
        assert ready is not None, self.output
        return ready

    def addresses(self, scheme: str) -> list[str]:
        """The URLs of its public listeners with this scheme."""
        return re.findall(rf"\b{scheme}://\S+", self._ready.partition("(")[0])

    @property
    def http(self) -> str:
        return self.addresses("http")[0]

    @property
    def https(self) -> str:
        return self.addresses("https")[0]

    @property
    def management(self) -> str:
        match = re.search(r"management (http://\S+?)\)", self._ready)
        assert match is not None, "it has no management listener"
        return match[1]

    async def connect(self, url: str | None = None, tls: ssl.SSLContext | None = None) -> RawClient:
        """Opens a raw connection to `url` or to its first plain-HTTP listener."""
        parts = urlsplit(url or self.http)
        assert parts.port is not None
        return await RawClient.connect("127.0.0.1", parts.port, tls)

    # Process control.

    @property
    def pid(self) -> int:
        return self._process.pid

    def children(self) -> list[int]:
        """Process ids of its workers, without the embedded store and what guards it."""
        # `-ww`: what guards the store tells so at the end of its arguments.
        listing = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        rows = [row.split(None, 1) for row in listing.stdout.splitlines()]
        return [int(pid) for pid, arguments in rows if "valkey" not in arguments]

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    async def ended(self, within: float = LIMIT, *, handed_on: bool = False) -> int:
        """Waits until the process has exited. Returns the exit code. `handed_on`: another process goes on in
        its place, and writes to the same standard error.
        """
        deadline = time.monotonic() + within
        while self.running:
            assert time.monotonic() < deadline, f"it does not end:\n{self.output}"
            await asyncio.sleep(0.01)
        if not handed_on:
            self._reader.join(LIMIT)
        assert self._process.returncode is not None
        return int(self._process.returncode)

    def stop(self, *, tracebacks: bool = False) -> None:
        """Stops it with SIGTERM. Fails unless it exits with 0 and without a traceback."""
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            code = self._process.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it does not end:\n{self.output}") from None
        finally:
            self._reader.join(LIMIT)
        assert code == 0, f"it ended with {code}:\n{self.output}"
        assert tracebacks or "Traceback" not in self.output, self.output

    def stopped_badly(self) -> str | None:
        """Stops it if it is running. Returns a failure instead of raising it."""
        try:
            if self.running:
                self.stop()
        except AssertionError as failure:
            return str(failure)
        return None

    def kill(self) -> None:
        """Kills it if it is running."""
        if self.running:
            self._process.kill()
        self._process.wait()
        self._reader.join(LIMIT)
