"""Writes the audit log, in a thread: a slow disk holds up no request.

Several processes write to one file: each entry is appended under a lock, behind the last one that is there.
The file is opened for each entry, so it may be renamed at any time. The first entry of a new file follows the
last one of the file that was renamed.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import Any

from gateway.audit.chain import FIRST, AuditEvent, entry, last_hash
from gateway.clock import Clock

log = logging.getLogger("gatepost")

MAX_WAITING = 10_000
"""Events that wait for the disk; more are lost, and an error says so."""
LAST_BYTES = 1 << 20
"""Bytes at the end of the file in which its last entry is looked for."""
PACKED = frozenset({".gz", ".bz2", ".xz", ".zst"})
"""Endings of rotated files that are compressed."""
STOP_TIMEOUT = 5.0
"""Seconds in which what waits is written when the process ends."""

Append = Callable[[AuditEvent], None]
"""Writes one event. OSError if it can't."""


class AuditLog:
    """Takes events at once, and writes them in order."""

    def __init__(self, append: Append, clock: Clock) -> None:
        self._append = append
        self._clock = clock
        self._waiting: queue.Queue[AuditEvent | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._pid = 0
        self.lost = 0
        """Events that could not be written, since the start."""

    def record(
        self,
        actor: str,
        action: str,
        target: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Records that something was done."""
        moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        event = AuditEvent(moment.replace("+00:00", "Z"), actor, action, target, before, after)
        self._start()
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._lose("too many events wait")

    def stop(self) -> None:
        """Writes what waits. Blocks for at most `STOP_TIMEOUT` seconds."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._thread.join(STOP_TIMEOUT)
        self._thread = None

    def _start(self) -> None:
        if self._thread is None or self._pid != os.getpid():
            # Also after a fork, which takes no thread along.
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._write, name="audit log", daemon=True)
            self._thread.start()

    def _write(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._append(event)
            except OSError as error:
                self._lose(error.strerror or str(error))

    def _lose(self, reason: str) -> None:
        self.lost += 1
        log.error("an entry of the audit log is lost: %s", reason)


def append_to_file(path: Path, key: bytes) -> Append:
    """Appends to a file that only its owner can read."""

    def append(event: AuditEvent) -> None:
        with _locked(path) as descriptor:
            previous = _last_of(descriptor) or _last_of_rotated(path) or FIRST
            line = json.dumps(entry(event, previous, key)) + "\n"
            _end_line(descriptor)
            _write_all(descriptor, line.encode())

    return append


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, locked. Whoever renames it takes no lock, so it is looked at once more."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _last_of_rotated(path: Path) -> str | None:
    """The hash of the last entry of the newest file such as audit.log.1 or audit.log-20270131."""
    beside = path.parent.glob(f"{escape(path.name)}[.-]*")
    rotated = [file for file in beside if file.suffix not in PACKED and file.is_file()]
    if not rotated:
        return None
    try:
        newest = max(rotated, key=lambda file: (file.stat().st_mtime_ns, file.name))
        descriptor = os.open(newest, os.O_RDONLY)
    except FileNotFoundError:
        # They are being renamed just now.
        return _last_of_rotated(path)
    try:
        # Somebody who opened it before it was renamed may still be writing.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return _last_of(descriptor)
    finally:
        os.close(descriptor)


def append_to_lines(write: Callable[[str], None], key: bytes, chain: str) -> Append:
    """Hands each entry to `write` as a line. The chain is this one's alone, and its name no other's."""
    previous = FIRST

    def append(event: AuditEvent) -> None:
        nonlocal previous
        made = entry(event, previous, key, chain)
        write(json.dumps(made))
        previous = made["hash"]

    return append


def _last_of(descriptor: int) -> str | None:
    """The hash of its last entry; None: it is empty."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return None
    tail = os.pread(descriptor, LAST_BYTES, max(0, size - LAST_BYTES))
    return last_hash(tail.splitlines()[-1])


def _end_line(descriptor: int) -> None:
    """A crash cuts the last entry off; the next one begins a line of its own."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        _write_all(descriptor, b"\n")


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
