"""Requests of which each can be sent once, one after the other on each connection: `python -m benchmarks.distinct TASK`.

They are made just before: what is signed is good for a minute. (wrk's Lua can't hold them: LuaJIT takes a few bytes
of a string for its hash, so thousands of requests that differ elsewhere are compared with each other.)
"""

from __future__ import annotations

import json
import math
import select
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.answers import complete
from benchmarks.driven import Window, finish, program, say_ready
from benchmarks.load import Load, Outcome, outcome

MOST_A_SECOND = 12_000
"""Requests that nobody exceeds if each needs a signature checked."""
PATIENCE = 5.0


def run(load: Load, seconds: float, window: Window) -> Outcome:
    """Makes enough of them, and sends them."""
    assert load.made is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        file.write_text(json.dumps([load.made() for _ in range(math.ceil(seconds * MOST_A_SECOND))]))
        return program("distinct", requests=str(file))(load, seconds, window)


def exchange(connections: Sequence[socket.socket], seconds: float, requests: Iterator[bytes]) -> Outcome:
    """Sends a request on each connection, and the next when the answer is there. At their end, it ends."""
    poll = select.epoll()
    by_number = {each.fileno(): each for each in connections}
    sent, received = dict.fromkeys(by_number, 0.0), dict.fromkeys(by_number, b"")
    latencies: list[float] = []
    wrong: dict[str, int] = {}

    def send(number: int) -> None:
        if (request := next(requests, None)) is None:
            wrong["no request left"] = 1
            return
        sent[number], received[number] = time.perf_counter(), b""
        by_number[number].sendall(request)

    begun = time.perf_counter()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
        send(number)
    while (now := time.perf_counter()) < begun + seconds:
        for number, _ in poll.poll(begun + seconds - now):
            data = by_number[number].recv(65_536)
            received[number] += data
            if data and not complete(received[number]):
                continue
            kind = "read" if not data else "" if received[number].startswith(b"HTTP/1.1 200 ") else "status"
            latencies.append(time.perf_counter() - sent[number])
            if kind:
                wrong[kind] = wrong.get(kind, 0) + 1
            if data:
                send(number)
    return outcome(latencies, time.perf_counter() - begun, wrong)


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    parts = urlsplit(task["url"])
    address = (parts.hostname or "", parts.port or 80)
    requests = [each.encode() for each in json.loads(Path(task["requests"]).read_text())]
    connections = [socket.create_connection(address, PATIENCE) for _ in range(task["connections"])]
    say_ready()
    finish(exchange(connections, task["seconds"], iter(requests)))


if __name__ == "__main__":
    main(sys.argv[1])
