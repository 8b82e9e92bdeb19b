"""Messages of WebSockets, one after the other on each connection: `python -m benchmarks.sockets TASK`."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Sequence

from benchmarks.driven import finish, say_ready
from benchmarks.exchanges import connected, repeated
from benchmarks.load import Load
from benchmarks.peers.streams import accept_value

PAYLOAD = b"x" * 120
ANSWER = bytes((0x82, len(PAYLOAD))) + PAYLOAD


def masked_frame(payload: bytes, mask: bytes) -> bytes:
    """A binary message of less than 126 bytes, as clients send it (RFC 6455 section 5.2)."""
    repeated = mask * (len(payload) // 4 + 1)
    hidden = bytes(one ^ other for one, other in zip(payload, repeated, strict=False))
    return bytes((0x82, 0x80 | len(payload))) + mask + hidden


class Tunnel:
    """A connection that has become a WebSocket. Raises RuntimeError where it does not."""

    def __init__(self, url: str, headers: Sequence[str], frame: bytes) -> None:
        self.socket, self._frame = connected(url), frame
        key = base64.b64encode(os.urandom(16))
        more = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Key: {key.decode()}", *headers)  # fmt: skip
        self.socket.sendall(Load(url, more).text().encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (data := self.socket.recv(4096)):
                break
            head += data
        if not head.startswith(b"HTTP/1.1 101 ") or accept_value(key) not in head:
            raise RuntimeError(f"no WebSocket: {head!r}")

    def begin(self) -> bool:
        """Sends a message."""
        self._received = b""
        self.socket.sendall(self._frame)
        return True

    def go_on(self) -> str | None:
        """Reads; what was wrong, or nothing; None while the echo is not there."""
        data = self.socket.recv(65_536)
        self._received += data
        if self._received == ANSWER:
            return ""
        return None if data and ANSWER.startswith(self._received) else "message"


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    frame = masked_frame(PAYLOAD, os.urandom(4))
    tunnels = [Tunnel(task["url"], task["headers"], frame) for _ in range(task["connections"])]
    say_ready()
    finish(repeated(tunnels, task["seconds"]))


if __name__ == "__main__":
    main(sys.argv[1])
