"""Loads that wait for answers: on each connection the next exchange begins when the one before it is over."""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from benchmarks.load import Outcome, outcome

PATIENCE = 5.0
"""Seconds for a connection, and for what must have come before a load begins."""


class Exchange(Protocol):
    """What is done again and again on a connection."""

    socket: socket.socket

    def begin(self) -> bool:
        """Sends; False: there is nothing left to send."""

    def go_on(self) -> str | None:
        """Reads; what was wrong, or nothing; None while it is not over."""


def connected(url: str, patience: float = PATIENCE) -> socket.socket:
    """A connection to the server of the URL."""
    parts = urlsplit(url)
    made = socket.create_connection((parts.hostname or "", parts.port or 80), patience)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def repeated(exchanges: Sequence[Exchange], seconds: float) -> Outcome:
    """All of them side by side. Where something was wrong, or nothing is left to send, no other begins."""
    poll = select.epoll()
    by_number = {each.socket.fileno(): each for each in exchanges}
    sent: dict[int, float] = {}
    latencies: list[float] = []
    wrong: Counter[str] = Counter()

    def begin(number: int) -> None:
        sent[number] = time.perf_counter()
        if not by_number[number].begin():
            wrong["no request left"] = 1
            poll.unregister(number)

    begun = time.perf_counter()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
        begin(number)
    while (now := time.perf_counter()) < begun + seconds:
        for number, _ in poll.poll(begun + seconds - now):
            kind = by_number[number].go_on()
            if kind:
                wrong[kind] += 1
                poll.unregister(number)
            elif kind is not None:
                latencies.append(time.perf_counter() - sent[number])
                begin(number)
    return outcome(latencies, time.perf_counter() - begun, dict(wrong))
