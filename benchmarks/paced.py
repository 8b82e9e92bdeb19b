"""Requests at a given rate, whatever the contender can do: `python -m benchmarks.paced`, pinned to the load's core.

They come at random (a Poisson process; each contender gets the same one), and a latency begins when its request was
due. So an answer that is late makes those behind it late, too: a load that waits for answers would not see it.
"""

from __future__ import annotations

import gc
import json
import re
import select
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict
from random import Random
from urllib.parse import urlsplit

from benchmarks.load import LOAD_CORE, Load, Outcome

PATIENCE = 5.0
"""Seconds for the last answers."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


def run_paced(load: Load, seconds: float, rate: float) -> Outcome:
    """Asks so many times a second, from a process of its own."""
    task = {"url": load.url, "headers": load.headers, "connections": load.connections,
            "wanted": load.wanted, "rate": rate, "seconds": seconds}  # fmt: skip
    command = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "benchmarks.paced", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Outcome(**json.loads(done.stdout))


def outcome(
    latencies: list[float], seconds: float, wrong: dict[str, int], *, since_due: bool = False
) -> Outcome:
    """What latencies come to. `since_due`: each begins when its request was due, not when it could be sent."""
    if not latencies:
        raise RuntimeError("not one answer came")
    ordered = sorted(latencies)
    half, most, nearly_all = (ordered[int(len(ordered) * part)] for part in (0.5, 0.99, 0.999))
    if not since_due:
        return Outcome(len(ordered), seconds, half, most, None, wrong)
    return Outcome(len(ordered), seconds, half, most, nearly_all, wrong, ordered[-1])


def complete(answer: bytes) -> bool:
    """Whether an answer with a Content-Length is there."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])


class Pace:
    """The connections, those that are due, and those that are under way."""

    def __init__(self, address: tuple[str, int], request: bytes, connections: int, wanted: int) -> None:
        self._address, self._request = address, request
        self._poll = select.epoll()
        self._by_number: dict[int, socket.socket] = {}
        self._right = b"HTTP/1.1 %d " % wanted
        self._idle = deque(self._connect() for _ in range(connections))
        self._due: deque[float] = deque()
        self._under_way: dict[socket.socket, tuple[float, bytes]] = {}
        self.latencies: list[float] = []
        self.wrong: dict[str, int] = {}

    def run(self, rate: float, seconds: float, chance: Random) -> None:
        """Until the time is over and the last answer is here."""
        now = time.perf_counter()
        end = now + seconds
        following = now + chance.expovariate(rate)
        # What was due while this process did not run is asked all the same.
        while now < end or ((following < end or self._under_way or self._due) and now < end + PATIENCE):
            while following <= now and following < end:
                self._due.append(following)
                following += chance.expovariate(rate)
            self._send()
            until = following if following < end else max(end, now + 0.1)
            # What epoll waits for itself is rounded up to milliseconds.
            select.select([self._poll], (), (), max(0.0, until - time.perf_counter()))
            for number, _ in self._poll.poll(0):
                self._receive(self._by_number[number])
            now = time.perf_counter()
        late = [due for due, _ in self._under_way.values()] + list(self._due)
        if late:
            # Left out, they would make the others look fast.
            self.latencies += [now - due for due in late]
            self.wrong["time-out"] = len(late)

    def __enter__(self) -> Pace:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for each in (*self._idle, *self._under_way):
            each.close()

    def _connect(self) -> socket.socket:
        made = socket.create_connection(self._address)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._by_number[made.fileno()] = made
        self._poll.register(made, select.EPOLLIN)
        return made

    def _send(self) -> None:
        while self._due and self._idle:
            each = self._idle.popleft()
            each.send(self._request)
            self._under_way[each] = (self._due.popleft(), b"")

    def _receive(self, each: socket.socket) -> None:
        data = each.recv(262_144)
        due, before = self._under_way.get(each, (None, b""))
        if due is None:
            # An idle connection ends, or is spoken to.
            self.wrong["unasked"] = self.wrong.get("unasked", 0) + 1
            self._idle.remove(each)
            each.close()
            self._idle.append(self._connect())
            return
        answer = before + data
        if data and not complete(answer):
            self._under_way[each] = (due, answer)
            return
        del self._under_way[each]
        self.latencies.append(time.perf_counter() - due)
        kind = "status" if data and not answer.startswith(self._right) else "" if data else "read"
        if kind:
            self.wrong[kind] = self.wrong.get(kind, 0) + 1
        if not data:
            each.close()
        # Who is told that a connection ends doesn't use it again.
        ends = not data or _CLOSES.search(answer.partition(b"\r\n\r\n")[0]) is not None
        if data and ends:
            each.close()
        self._idle.append(self._connect() if ends else each)


def main(text: str) -> None:
    """Does what `run_paced` asks for."""
    task = json.loads(text)
    parts = urlsplit(task["url"])
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *task["headers"], "", ""]
    assert parts.hostname is not None
    assert parts.port is not None
    address, request = (parts.hostname, parts.port), "\r\n".join(lines).encode()
    gc.disable()
    with Pace(address, request, task["connections"], task["wanted"]) as pace:
        pace.run(task["rate"], task["seconds"], Random(7))  # noqa: S311 (when requests come is no secret)
    print(json.dumps(asdict(outcome(pace.latencies, task["seconds"], pace.wrong, since_due=True))))


if __name__ == "__main__":
    main(sys.argv[1])
