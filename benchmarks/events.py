"""Server-sent events to many callers: `python -m benchmarks.events TASK`.

An event says when it was due at the upstream (this machine's monotonic clock); its latency is until a caller has it.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections.abc import Sequence

from benchmarks.driven import finish, say_ready
from benchmarks.exchanges import connected
from benchmarks.load import Load, Outcome, outcome

PATIENCE = 10.0
"""Seconds until a stream must have begun."""
_EVENT = re.compile(rb"data: (\d+\.\d{6}) x+\n\n")


def subscribed(url: str, headers: Sequence[str]) -> socket.socket:
    """A connection whose stream has begun. Raises RuntimeError where none does."""
    made = connected(url, PATIENCE)
    made.sendall(Load(url, ("Accept: text/event-stream", *headers)).text().encode())
    begin = made.recv(4096)
    if not begin.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"no stream of events: {begin!r}")
    return made


def received(rest: bytes) -> tuple[list[float], bytes]:
    """The times of all events that are complete, and what is behind them."""
    times, end = [], 0
    for event in _EVENT.finditer(rest):
        times.append(float(event[1]))
        end = event.end()
    return times, rest[end:]


def listen(connections: Sequence[socket.socket], seconds: float) -> Outcome:
    """Counts what comes."""
    poll = select.epoll()
    by_number = {each.fileno(): each for each in connections}
    rest, latencies, ended = dict.fromkeys(by_number, b""), [], 0
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    begun = time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds:
        for number, _ in poll.poll(begun + seconds - now):
            data = by_number[number].recv(65_536)
            if not data:
                ended += 1
                poll.unregister(number)
            times, rest[number] = received(rest[number] + data)
            now = time.perf_counter()
            # What was under way when the time began is somebody else's.
            latencies += [now - each for each in times if each >= begun]
    return outcome(latencies, time.perf_counter() - begun, {"ended": ended} if ended else {})


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    connections = [subscribed(task["url"], task["headers"]) for _ in range(task["connections"])]
    say_ready()
    finish(listen(connections, task["seconds"]))


if __name__ == "__main__":
    main(sys.argv[1])
