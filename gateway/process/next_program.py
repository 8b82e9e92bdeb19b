"""A program that has been started to take this one's place, until it is ready or has failed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.errors import StartError
from gateway.process.handover import Handover, with_handover

READY_TIMEOUT = 60.0
"""Seconds within which it must be ready."""
STOP_TIMEOUT = 5.0
"""Seconds to exit before it is killed."""
MAX_WORDS = 64 * 1024
"""Bytes that are kept of what it writes to standard error before its configuration is loaded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the start of the next program has ended."""

    failure: str | None = None
    """Why it is not ready, in lines; None: it is."""
    version: str = ""
    takes_store: bool = False
    """Whether it uses the embedded store of this program, and wants to look after it."""


class NextProgram:
    """Started by `__init__`. Call `poll` until there is an outcome."""

    def __init__(self, handover: Handover, manager: str, command: Sequence[str] | None = None) -> None:
        """Starts it with the command line of this one.

        `handover`: with 0 for `link` and `errors`, which are made here. `manager`: the service manager's
        address. StartError if it can't be started.
        """
        self._link, theirs = socket.socketpair()
        self._errors, writing = os.pipe()
        self._link.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
        os.set_blocking(self._errors, False)
        standard_error = os.dup(sys.stderr.fileno())
        whole = Handover(
            theirs.fileno(),
            standard_error,
            handover.earlier_links,
            handover.public,
            handover.management,
            handover.store,
        )
        environment: Mapping[str, str] = os.environ | ({"NOTIFY_SOCKET": manager} if manager else {})
        self._deadline = time.monotonic() + READY_TIMEOUT
        self._received = b""
        self._words = b""
        try:
            self._process = subprocess.Popen(  # noqa: S603 (the command line of this process)
                command or [sys.executable, *sys.orig_argv[1:]],
                env=with_handover(environment, whole),
                stderr=writing,
                pass_fds=whole.descriptors,
            )
        except OSError as error:
            self.close()
            raise StartError(f"the new program can't be started: {error.strerror}") from None
        finally:
            theirs.close()
            os.close(writing)
            os.close(standard_error)

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> Outcome | None:
        """The outcome, once there is one. Never waits."""
        self._read_words()
        connected = self._read_link()
        message = self._message()
        if message is not None and "failure" in message:
            return Outcome(str(message["failure"]))
        if message is not None:
            return Outcome(None, str(message["version"]), bool(message["store"]))
        if not connected or self._process.poll() is not None:
            return Outcome(self._last_words())
        if time.monotonic() > self._deadline:
            return Outcome(f"the new program was not ready within {READY_TIMEOUT:g} seconds")
        return None

    @property
    def words(self) -> str:
        """What it has written to standard error before its configuration was loaded."""
        return self._words.decode(errors="replace").strip()

    def hand_over(self, reports: Mapping[str, Any]) -> None:
        """It is in charge from now on. This process hears only of its end, by `ended`."""
        with suppress(OSError):
            self._link.sendall(json.dumps(reports).encode() + b"\n")
        os.close(self._errors)
        self._errors = -1

    @property
    def ended(self) -> bool:
        """Whether it shuts down, or has ended. Call it after `hand_over`."""
        return not self._read_link()

    def stop(self, patience: float = STOP_TIMEOUT) -> None:
        """Ends it, if it still runs: this program goes on. `patience`: seconds until it is killed."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.close()

    def close(self) -> None:
        """Closes what this process has of it. In a forked worker nothing else may be called."""
        self._link.close()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = -1

    def _read_words(self) -> None:
        with suppress(BlockingIOError):
            while chunk := os.read(self._errors, MAX_WORDS):
                self._words = (self._words + chunk)[-MAX_WORDS:]

    def _read_link(self) -> bool:
        """Whether it still has the other end."""
        try:
            while chunk := self._link.recv(MAX_WORDS):
                self._received += chunk
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def _message(self) -> dict[str, Any] | None:
        line, end, _ = self._received.partition(b"\n")
        if not end:
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    def _last_words(self) -> str:
        """Why it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT)
        self._read_words()
        # Not always known: gunicorn's arbiter may have asked first.
        code = self._process.returncode
        how = f" with status {code}" if code else ""
        return "\n".join(filter(None, [self.words, f"the new program has ended{how} before it was ready"]))
