"""Finds out whether a server of the gateway's own still answers, without waiting for it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

TIMEOUT = 5.0
"""Seconds without an answer after which the server counts as hung. It may wait for a disk that is busy."""
ANSWER = 65_536
"""Bytes that an answer has at most."""
LONGEST_GAP = 1.0
"""Seconds between two checks beyond which this process was stopped itself: that time does not count."""


class Liveness:
    """Asks over a connection of its own: one question at a time. Anything that comes is an answer."""

    def __init__(self, path: Path, question: bytes, timeout: float = TIMEOUT) -> None:
        """`path`: the server's socket."""
        self._path = path
        self._question = question
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._asked: float | None = None
        self.answer = b""
        """What the server has said last; empty: nothing since it was started."""
        self._checked = 0.0

    def answers(self, now: float) -> bool:
        """False once a question has had no answer for too long. `now`: seconds of a monotonic clock."""
        if self._asked is not None:
            self._asked += max(now - self._checked - LONGEST_GAP, 0.0)
        self._checked = now
        try:
            if self._asked is not None:
                return self._take_answer(now)
            self._ask(now)
        except BlockingIOError:
            pass  # its queue of connections is full
        except OSError:
            self.reset()  # it is starting, or has just died: whether it runs is known otherwise
        return True

    def reset(self) -> None:
        """Forgets the question: there is another server."""
        if self._socket is not None:
            self._socket.close()
        self._socket = self._asked = None
        self.answer = b""

    def _ask(self, now: float) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
            self._socket.connect(os.fspath(self._path))
        self._socket.sendall(self._question)
        self._asked = now

    def _take_answer(self, now: float) -> bool:
        assert self._socket is not None  # noqa: S101 (a question has been asked)
        asked = self._asked
        with suppress(BlockingIOError):
            answer = self._socket.recv(ANSWER)
            if not answer:
                raise ConnectionResetError
            self._asked, self.answer = None, answer
            return True
        return asked is None or now - asked < self._timeout
