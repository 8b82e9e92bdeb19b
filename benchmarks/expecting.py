"""Uploads that wait for `100 Continue`, one after the other on each connection: `python -m benchmarks.expecting TASK`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from benchmarks.answers import judged
from benchmarks.driven import finish, say_ready
from benchmarks.exchanges import connected, repeated
from benchmarks.load import Load

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODY = b"x" * 120


class Upload:
    """One connection."""

    def __init__(self, url: str, headers: Sequence[str]) -> None:
        more = ("Expect: 100-continue", f"Content-Length: {len(BODY)}", *headers)
        self._head = Load(url, more, "POST").text().encode()
        self.socket = connected(url)

    def begin(self) -> bool:
        """Sends a head."""
        self._received, self._told = b"", False
        self.socket.sendall(self._head)
        return True

    def go_on(self) -> str | None:
        """Reads; what was wrong, or nothing; None while the answer is not there."""
        data = self.socket.recv(65_536)
        self._received += data
        if not data:
            return "read"
        if not self._told:
            if not self._received.startswith(CONTINUE):
                return None if CONTINUE.startswith(self._received) else "no 100"
            self._received, self._told = self._received[len(CONTINUE) :], True
            self.socket.sendall(BODY)
        return judged(self._received)


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    uploads = [Upload(task["url"], task["headers"]) for _ in range(task["connections"])]
    say_ready()
    finish(repeated(uploads, task["seconds"]))


if __name__ == "__main__":
    main(sys.argv[1])
