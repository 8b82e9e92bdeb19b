"""Uploads that wait for `100 Continue`, one after the other on each connection: `python -m benchmarks.expecting TASK`."""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.answers import complete
from benchmarks.driven import finish, say_ready
from benchmarks.load import Outcome, outcome

PATIENCE = 5.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODY = b"x" * 120


class Upload:
    """One connection."""

    def __init__(self, url: str, headers: Sequence[str]) -> None:
        parts = urlsplit(url)
        lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Expect: 100-continue",
                 f"Content-Length: {len(BODY)}", *headers, "", ""]  # fmt: skip
        self._head = "\r\n".join(lines).encode()
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def begin(self) -> None:
        """Sends a head."""
        self._received, self._told = b"", False
        self.begun = time.perf_counter()
        self.socket.sendall(self._head)

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
        if not complete(self._received):
            return None
        return "" if self._received.startswith(b"HTTP/1.1 200 ") else "status"


def exchange(uploads: Sequence[Upload], seconds: float) -> Outcome:
    """Begins on each connection, and again when the answer is there."""
    poll = select.epoll()
    by_number = {each.socket.fileno(): each for each in uploads}
    latencies: list[float] = []
    wrong: dict[str, int] = {}
    begun = time.perf_counter()
    for number, each in by_number.items():
        poll.register(number, select.EPOLLIN)
        each.begin()
    while (now := time.perf_counter()) < begun + seconds:
        for number, _ in poll.poll(begun + seconds - now):
            each = by_number[number]
            kind = each.go_on()
            if kind:
                wrong[kind] = wrong.get(kind, 0) + 1
                poll.unregister(number)
            elif kind is not None:
                latencies.append(time.perf_counter() - each.begun)
                each.begin()
    return outcome(latencies, time.perf_counter() - begun, wrong)


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    uploads = [Upload(task["url"], task["headers"]) for _ in range(task["connections"])]
    say_ready()
    finish(exchange(uploads, task["seconds"]))


if __name__ == "__main__":
    main(sys.argv[1])
