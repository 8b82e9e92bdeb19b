"""The real program, as a person starts it."""

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

import yaml

from tests.raw import LIMIT, RawClient

START_LIMIT = 30.0
"""Seconds. A start takes less than one; a loaded machine takes longer."""


ROOT = str(Path(__file__).parents[1])

GATEWAY = ("-m", "gateway", "run", "-c")
"""Python's arguments, before the configuration's file."""


class Running:
    """A gateway in a process of its own, with what it writes on standard error."""

    def __init__(
        self,
        config: dict[str, Any] | str,
        folder: Path,
        *arguments: str,
        program: Sequence[str] = GATEWAY,
        **environment: str,
    ) -> None:
        self.file = folder / "gateway.yaml"
        self.write(config)
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, *program, str(self.file), *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": ROOT, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def write(self, config: dict[str, Any] | str) -> None:
        """Puts another configuration into the file. SIGHUP (`signal`) makes the gateway read it."""
        self.file.write_text(config if isinstance(config, str) else yaml.safe_dump(config))

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    # What it says.

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def await_ready(self) -> None:
        """Returns when it serves; fails with its words where it does not."""
        deadline = time.monotonic() + START_LIMIT
        while not self.found("gatepost: ready on "):
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"it is not ready:\n{self.output}"
            time.sleep(0.005)
        _ = self._ready  # kept, also when a test clears `lines`

    def found(self, pattern: str) -> str | None:
        """The first line that the pattern is found in."""
        return next((line for line in self.lines[:] if re.search(pattern, line)), None)

    async def line(self, pattern: str) -> str:
        """Waits for a line that the pattern is found in."""
        deadline = time.monotonic() + START_LIMIT
        while (line := self.found(pattern)) is None:
            assert time.monotonic() < deadline, f"no line with {pattern!r}:\n{self.output}"
            await asyncio.sleep(0.005)
        return line

    # Where it is.

    @cached_property
    def _ready(self) -> str:
        ready = self.found("gatepost: ready on ")
        assert ready is not None, self.output
        return ready

    def addresses(self, scheme: str) -> list[str]:
        """Its public addresses with that scheme, as URLs."""
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
        """A raw connection to its first plain address, or to another of its URLs."""
        parts = urlsplit(url or self.http)
        assert parts.port is not None
        return await RawClient.connect("127.0.0.1", parts.port, tls)

    # What it is told.

    @property
    def pid(self) -> int:
        return self._process.pid

    def children(self) -> list[int]:
        """Its worker processes; the embedded store is none."""
        listing = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.pid)], capture_output=True, text=True, check=False
        )
        rows = [row.split(None, 1) for row in listing.stdout.splitlines()]
        return [int(pid) for pid, arguments in rows if "valkey" not in arguments]

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    async def ended(self, within: float = LIMIT) -> int:
        """Waits until it has ended; its exit code."""
        deadline = time.monotonic() + within
        while self.running:
            assert time.monotonic() < deadline, f"it does not end:\n{self.output}"
            await asyncio.sleep(0.01)
        self._reader.join(LIMIT)
        return self._process.returncode

    def stop(self, *, tracebacks: bool = False) -> None:
        """Ends it by SIGTERM, and fails where it does not end well: exit 0 and no traceback on the way."""
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
        """Ends it, if it still runs; what was wrong with that, for whoever has more of them to end."""
        try:
            if self.running:
                self.stop()
        except AssertionError as failure:
            return str(failure)
        return None

    def kill(self) -> None:
        """Ends it whatever it does."""
        if self.running:
            self._process.kill()
        self._process.wait()
        self._reader.join(LIMIT)
