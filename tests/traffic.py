"""Steady requests to a gateway from threads, over kept and over new connections, and what failed of them."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.running import START_LIMIT

PATIENCE = 20.0
"""Seconds for one answer: what is refused by mistake or lost is seen at once, what is slow is not lost."""

PAUSE = float(os.environ.get("GATEPOST_TRAFFIC_PAUSE", "0.008"))
"""Seconds between an answer and the next request of each thread: steady, and yet it leaves the processes that
are replaced some time to do it. 0 is the long edition."""


class Traffic:
    """Asks for a path until it is stopped. `failures` says what went wrong, `answered` counts the rest."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answered = {"kept": 0, "new": 0}
        self.failures: list[str] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._threads = [
            threading.Thread(target=self._ask, args=(kind, ask))
            for kind, ask in (("kept", self._kept), ("new", self._new), ("new", self._new))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._connection.close()

    async def more(self, number: int = 5) -> None:
        """Waits until so many requests more have been answered on either kind of connection."""
        wanted = {kind: count + number for kind, count in self.answered.items()}
        deadline = time.monotonic() + START_LIMIT
        while any(self.answered[kind] < count for kind, count in wanted.items()):
            assert not self.failures, self.failures
            assert time.monotonic() < deadline, "no answers"
            await asyncio.sleep(0.01)

    def _ask(self, kind: str, ask: Callable[[], int]) -> None:
        while not self._stop.is_set():
            try:
                status = ask()
                failure = None if status == http.client.OK else f"{kind}: status {status}"
            except (OSError, http.client.HTTPException) as error:
                failure = f"{kind}: {error!r}"
            with self._lock:
                if failure is None:
                    self.answered[kind] += 1
                else:
                    self.failures.append(failure)
            if PAUSE:
                self._stop.wait(PAUSE)

    def _new(self) -> int:
        request = f"GET {self._path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self._port), PATIENCE) as sock:
            sock.sendall(request)
            answer = b""
            while data := sock.recv(65536):
                answer += data
        return int(answer.split(b" ", 2)[1]) if answer else 0

    def _kept(self) -> int:
        reused = self._connection.sock is not None
        try:
            return self._once()
        except (ConnectionError, http.client.RemoteDisconnected):
            self._connection.close()
            # RFC 9112 section 9.3.1: an idle connection may end at any time, so clients ask again.
            if not reused:
                raise
            return self._once()

    def _once(self) -> int:
        self._connection.request("GET", self._path)
        response = self._connection.getresponse()
        response.read()
        return response.status


@asynccontextmanager
async def traffic(port: int, path: str = "/") -> AsyncIterator[Traffic]:
    """Requests while the context is open; at its end none may have failed."""
    asking = Traffic(port, path)
    asking.start()
    try:
        yield asking
    finally:
        await asyncio.to_thread(asking.stop)
    assert asking.failures == []
