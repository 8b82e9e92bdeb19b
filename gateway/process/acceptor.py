"""Takes connections from a listening socket, many at a time.

uvloop's own server takes one connection each time it looks at all sockets (libuv, since 1.45). With many busy
callers a look comes every few dozen milliseconds: whoever came with a crowd would wait for seconds.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

log = logging.getLogger("gatepost")

BATCH = 256
"""Connections taken at one look: some milliseconds in which nobody else is served."""

PAUSE = 0.5
"""Seconds until the next look where the system could not give one more connection."""


class Acceptor:
    """Accepts from one socket, which is its own from now on, until it is closed."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None = None,
        handshake_timeout: float | None = None,
    ) -> None:
        """`sock` listens already and does not block. `handshake_timeout`, in seconds, goes with `tls`."""
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._protocol = protocol
        self._tls = tls
        self._handshake_timeout = handshake_timeout if tls is not None else None
        self._beginning: set[asyncio.Task[object]] = set()
        self._resuming: asyncio.TimerHandle | None = None
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Accepts no more. Connections that were accepted go on, even in the middle of their handshake."""
        if self._sock.fileno() < 0:
            return
        if self._resuming is not None:
            self._resuming.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    async def finish(self, seconds: float) -> None:
        """Returns when every connection that was accepted stands, after `seconds` at the latest."""
        if self._beginning:
            await asyncio.wait(self._beginning, timeout=seconds)

    def cut(self) -> None:
        """Breaks off the handshakes that are still going on: nobody is left to serve who they are with."""
        for task in self._beginning:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(BATCH):
            try:
                accepted, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # it has gone before its turn came
            except OSError as error:
                self._rest(error)
                return
            self._begin(accepted)

    def _begin(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
        task = self._loop.create_task(
            self._loop.connect_accepted_socket(
                self._protocol, accepted, ssl=self._tls, ssl_handshake_timeout=self._handshake_timeout
            )
        )
        self._beginning.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[object]) -> None:
        self._beginning.discard(task)
        # Handshakes fail every day. Whoever it was has been told, as far as that can be done.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, OSError):
            log.error("a connection could not be taken up", exc_info=error)

    def _rest(self, error: OSError) -> None:
        """No more open files, or no memory: waiting helps, trying again at once does not."""
        log.warning("no connection can be accepted now: %s", error.strerror)
        self._loop.remove_reader(self._sock)
        self._resuming = self._loop.call_later(PAUSE, self._resume)

    def _resume(self) -> None:
        self._resuming = None
        self._loop.add_reader(self._sock, self._accept)
