"""A running gateway that is replaced by other processes of the same program."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.running import START_LIMIT, Running

STARTED = re.compile(r"process (\d+) is starting to take over")
SERVES = re.compile(r"process (\d+) serves from now on")
READY = re.compile("gatepost: ready on ")


class Upgradable:
    """Follows the process that serves. Don't clear `running.lines`."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.pids = [running.pid]
        """Of those that have served, one after the other."""

    @property
    def pid(self) -> int:
        """Of the one that serves."""
        return self.pids[-1]

    def count(self, pattern: re.Pattern[str]) -> int:
        """How many lines have it."""
        return sum(1 for line in self.running.lines[:] if pattern.search(line))

    async def more(self, pattern: re.Pattern[str], before: int) -> str:
        """Waits for one more line than there were; it is returned."""
        deadline = time.monotonic() + START_LIMIT
        while self.count(pattern) <= before:
            assert time.monotonic() < deadline, f"no line with {pattern.pattern}:\n{self.running.output}"
            await asyncio.sleep(0.01)
        return [line for line in self.running.lines[:] if pattern.search(line)][before]

    async def upgraded(self, number: signal.Signals = signal.SIGUSR2) -> int:
        """Asks for the next process, which serves then. Its process id."""
        started, ready = self.count(STARTED), self.count(READY)
        os.kill(self.pid, number)
        line = await self.more(STARTED, started)
        await self.more(READY, ready)
        found = STARTED.search(line)
        assert found is not None
        self.pids.append(int(found[1]))
        return self.pid

    async def stays(self, reason: str, number: signal.Signals = signal.SIGUSR2) -> None:
        """Asks for the next process, which does not become ready for this reason."""
        pattern = re.compile(reason)
        before = self.count(pattern)
        os.kill(self.pid, number)
        await self.more(pattern, before)

    def signal(self, number: signal.Signals) -> None:
        """Sends the one that serves a signal."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """Stops the one that serves; with it all must end that have written to the log."""
        with suppress(ProcessLookupError):
            self.signal(signal.SIGTERM)
        self.await_end()
        assert "Traceback" not in self.running.output, self.running.output

    def await_end(self) -> None:
        """Waits until all have ended. (Their parents may not know: not all are this process's children.)"""
        reader: threading.Thread = self.running._reader
        reader.join(START_LIMIT)
        assert not reader.is_alive(), f"some have not ended:\n{self.running.output}"

    def kill_all(self) -> None:
        """Ends what a failed test has left."""
        found = {int(match[1]) for line in self.running.lines[:] if (match := STARTED.search(line))}
        for pid in found | set(self.pids):
            with suppress(OSError):
                # Another process may have the number by now.
                if str(self.running.file).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        self.running.kill()


@contextmanager
def upgradable(running: Running) -> Iterator[Upgradable]:
    """At the end all of it must end with the process that serves."""
    found = Upgradable(running)
    try:
        yield found
        found.end()
    finally:
        found.kill_all()
