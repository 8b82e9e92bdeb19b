"""The pipe on which workers report to the arbiter that they are ready or failed to start."""

from __future__ import annotations

import json
import os
import select
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker's startup result, sent once."""

    age: int
    """gunicorn's worker number."""
    failure: str | None = None
    """Why it failed to start; None if it is ready."""


class ReadyPipe:
    """Created before the fork. Workers write, the arbiter reads."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._partial_line = b""

    def post(self, status: WorkerStatus) -> None:
        """Called in a worker. The failure is truncated so that the write is atomic (PIPE_BUF)."""
        failure = status.failure if status.failure is None else status.failure[: select.PIPE_BUF // 16]
        os.write(self._writer, json.dumps(asdict(WorkerStatus(status.age, failure))).encode() + b"\n")

    def read(self) -> list[WorkerStatus]:
        """Called in the arbiter: the reports since the last call."""
        try:
            while chunk := os.read(self._reader, 65536):
                self._partial_line += chunk
        except BlockingIOError:
            pass
        *lines, self._partial_line = self._partial_line.split(b"\n")
        return [WorkerStatus(**json.loads(line)) for line in lines]

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class AcceptGate:
    """Created before the fork. Workers wait at it until the arbiter lets them accept."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def open(self) -> None:
        """Called in the arbiter, once: lets all workers through."""
        os.close(self._writer)
        os.close(self._reader)

    def waiting(self) -> int:
        """Called in a worker, once: the descriptor that can be read when the gate is open."""
        os.close(self._writer)
        return self._reader
