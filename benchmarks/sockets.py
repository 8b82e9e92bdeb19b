"""Messages of WebSockets, one after the other on each connection: `python -m benchmarks.sockets TASK`."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.driven import finish, say_ready
from benchmarks.load import Outcome, outcome
from benchmarks.peers.streams import accept_value

PAYLOAD = b"x" * 120
ANSWER = bytes((0x82, len(PAYLOAD))) + PAYLOAD
PATIENCE = 5.0
"""Seconds for an answer."""


def masked_frame(payload: bytes, mask: bytes) -> bytes:
    """A binary message of less than 126 bytes, as clients send it (RFC 6455 section 5.2)."""
    repeated = mask * (len(payload) // 4 + 1)
    hidden = bytes(one ^ other for one, other in zip(payload, repeated, strict=False))
    return bytes((0x82, 0x80 | len(payload))) + mask + hidden


def upgraded(url: str, headers: Sequence[str]) -> socket.socket:
    """A connection that has become a WebSocket. Raises RuntimeError where it does not."""
    parts = urlsplit(url)
    made = socket.create_connection((parts.hostname or "", parts.port or 80), PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16))
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}", *headers, "", ""]  # fmt: skip
    made.sendall("\r\n".join(lines).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (data := made.recv(4096)):
            break
        head += data
    if not head.startswith(b"HTTP/1.1 101 ") or accept_value(key) not in head:
        raise RuntimeError(f"no WebSocket: {head!r}")
    return made


def exchange(connections: Sequence[socket.socket], seconds: float, frame: bytes) -> Outcome:
    """Sends on each connection, and again when the echo is there."""
    poll = select.epoll()
    by_number = {each.fileno(): each for each in connections}
    sent, rest, latencies, wrong = {}, dict.fromkeys(by_number, b""), [], 0
    begun = time.perf_counter()
    for number, each in by_number.items():
        poll.register(number, select.EPOLLIN)
        sent[number] = time.perf_counter()
        each.sendall(frame)
    end = begun + seconds
    while (now := time.perf_counter()) < end:
        for number, _ in poll.poll(end - now):
            got = rest[number] + by_number[number].recv(65_536)
            if len(got) < len(ANSWER) and ANSWER.startswith(got) and got:
                rest[number] = got
                continue
            rest[number] = b""
            now = time.perf_counter()
            if got == ANSWER:
                latencies.append(now - sent[number])
                sent[number] = now
                by_number[number].sendall(frame)
            else:
                wrong += 1
                poll.unregister(number)
    return outcome(latencies, time.perf_counter() - begun, {"message": wrong} if wrong else {})


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    connections = [upgraded(task["url"], task["headers"]) for _ in range(task["connections"])]
    say_ready()
    finish(exchange(connections, task["seconds"], masked_frame(PAYLOAD, os.urandom(4))))


if __name__ == "__main__":
    main(sys.argv[1])
