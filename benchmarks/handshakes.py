"""A new connection by TLS 1.3 for each request: `python -m benchmarks.handshakes TASK`.

With `resumed` in the task, each connection but a client's first takes up the session of the one before it.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from threading import Thread
from urllib.parse import urlsplit

from benchmarks.driven import finish, say_ready
from benchmarks.load import Load, Outcome, outcome

PATIENCE = 5.0


def client_context() -> ssl.SSLContext:
    """TLS 1.3 alone; whose certificate it is does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def exchanged(connection: socket.socket, request: bytes) -> bytes:
    """All that comes until the connection ends."""
    connection.sendall(request)
    answer = b""
    while data := connection.recv(65_536):
        answer += data
    return answer


class Client:
    """One connection after the other."""

    def __init__(self, url: str, headers: Sequence[str], *, resumed: bool) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 443)
        self._request = Load(url, ("Connection: close", *headers)).text().encode()
        self._context, self._resumed = client_context(), resumed
        self._session: ssl.SSLSession | None = None
        self.latencies: list[float] = []
        self.wrong: dict[str, int] = {}

    def run(self, seconds: float) -> None:
        """Until the time is over."""
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            try:
                kind = self.once()
            except OSError as error:
                kind = type(error).__name__
            if kind:
                self.wrong[kind] = self.wrong.get(kind, 0) + 1
            else:
                self.latencies.append(time.perf_counter() - begun)

    def once(self) -> str:
        """One request; what was wrong with it, or nothing."""
        wanted = self._session is not None
        plain = socket.create_connection(self._address, PATIENCE)
        with self._context.wrap_socket(plain, session=self._session) as made:
            answer = exchanged(made, self._request)
            if made.session_reused is not wanted:
                return "resumption"
            # The server's tickets have come before the answer (RFC 8446 section 4.6.1).
            if self._resumed:
                self._session = made.session
        return "" if answer.startswith(b"HTTP/1.1 200 ") else "status"


def main(text: str) -> None:
    """Does what the task says, with a thread for each connection at a time."""
    task = json.loads(text)
    clients = [
        Client(task["url"], task["headers"], resumed=task["resumed"]) for _ in range(task["connections"])
    ]
    for each in clients:
        each.once()
    say_ready()
    finish(run(clients, task["seconds"]))


def run(clients: Sequence[Client], seconds: float) -> Outcome:
    """All of them side by side."""
    begun = time.perf_counter()
    threads = [Thread(target=each.run, args=(seconds,)) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong: dict[str, int] = {}
    for each in clients:
        for kind, count in each.wrong.items():
            wrong[kind] = wrong.get(kind, 0) + count
    latencies = [latency for each in clients for latency in each.latencies]
    return outcome(latencies, time.perf_counter() - begun, wrong)


if __name__ == "__main__":
    main(sys.argv[1])
