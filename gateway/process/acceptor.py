"""Accepts connections from a listening socket in batches.

uvloop's own server accepts one connection per event loop iteration (libuv since 1.45). Under load an
iteration takes tens of milliseconds, so a burst of new connections would wait for seconds in the backlog.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Protocol

from gateway.http.exchange import UNIX_SOCKET
from gateway.process.acme_certificate import ChallengeContext
from gateway.process.client_hello import MAX_CLIENT_HELLO, UNREADABLE, ClientHello, parse_client_hello
from gateway.process.listen_queue import BACKLOG, HANDSHAKE_DELAY, refuse_new, refuses_new
from gateway.process.peek import peek
from gateway.process.proxy_protocol import MAX_HEADER, ProxyHeaderError, parse_proxy_header
from gateway.server.transport import ClientTransport

log = logging.getLogger("gatepost")

BATCH = 256
"""Connections accepted per readiness event. It bounds how long accepting blocks the event loop."""

RETRY_DELAY = 0.5
"""Seconds until accept() is tried again after it failed, for instance for lack of file descriptors."""


class TlsContexts(Protocol):
    """The TLS contexts of a listener (`gateway.process.certificates.TlsListener`)."""

    @property
    def needs_client_hello(self) -> bool:
        """Whether the context depends on what the client asks for."""

    def context_for(self, hello: ClientHello) -> ssl.SSLContext:
        """The context for a client."""


class Acceptor:
    """Accepts from one listening socket, which it owns and closes."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        tls: TlsContexts | None = None,
        handshake_timeout: float | None = None,
        proxies: Callable[[str], bool] | None = None,
        too_slow: Callable[[str], None] = lambda _address: None,
        *,
        kept_open: bool = False,
    ) -> None:
        """Begins to accept.

        Args:
            sock: What to accept from: listening and non-blocking.
            protocol: Makes the protocol of a connection.
            tls: None: plain TCP.
            handshake_timeout: Seconds for what comes before the first byte of HTTP.
            proxies: Connections begin with a header of the PROXY protocol. Only these addresses may connect.
            too_slow: Hears of addresses whose handshake took longer.
            kept_open: Whether others keep the socket, who accept from it later.
        """
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._protocol = protocol
        self._tls = tls
        self._handshake_timeout = handshake_timeout
        self._proxies = proxies
        self._too_slow = too_slow
        self._kept_open = kept_open
        self._handshakes: set[asyncio.Task[object]] = set()
        self._resume_timer: asyncio.TimerHandle | None = None
        self._last_call: asyncio.Task[None] | None = None
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Stops accepting. Accepted connections are kept, also those still in the TLS handshake.

        What waits in the socket's queue is left to others who accept from it. If nobody does, as it refuses
        new connections, what waits is accepted first.
        """
        if self._sock.fileno() < 0 or self._last_call is not None:
            return
        if refuses_new(self._sock):
            self._last_call = self._loop.create_task(self._empty_queue())
        else:
            self._close()

    def close_for_all(self) -> None:
        """As `close`, where all processes that accept from the socket stop: what waits is accepted first."""
        if self._kept_open:
            self.close()
        elif self._sock.fileno() >= 0 and self._last_call is None:
            refuse_new(self._sock)
            self._last_call = self._loop.create_task(self._empty_queue())

    async def finish_handshakes(self, seconds: float) -> None:
        """Waits until nothing waits to be accepted and all pending TLS handshakes are done.

        The handshakes have `seconds`.
        """
        if self._last_call is not None:
            await self._last_call
        if self._handshakes:
            await asyncio.wait(self._handshakes, timeout=seconds)

    async def _empty_queue(self) -> None:
        if self._sock.family != socket.AF_UNIX:
            await asyncio.sleep(HANDSHAKE_DELAY)
        for _ in range(BACKLOG + 1):
            if not self._accept_one():
                break
        self._close()

    def _close(self) -> None:
        if self._resume_timer is not None:
            self._resume_timer.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def abort_handshakes(self) -> None:
        """Cancels pending TLS handshakes."""
        for task in self._handshakes:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(BATCH):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Whether it makes sense to try again at once."""
        try:
            accepted, address = self._sock.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:
            return True  # reset by the client while it was in the backlog
        except OSError as error:
            if self._last_call is None:
                self._pause(error)
            return False
        self._start_handshake(accepted, address[0] if isinstance(address, tuple) else UNIX_SOCKET)
        return True

    def _start_handshake(self, accepted: socket.socket, address: str) -> None:
        accepted.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
        task: asyncio.Task[object] = self._loop.create_task(self._handshake(accepted, address))
        self._handshakes.add(task)
        task.add_done_callback(self._handshake_done)

    async def _handshake(self, accepted: socket.socket, address: str) -> None:
        try:
            client, context = await self._preamble(accepted, address)
        except BaseException as error:
            if isinstance(error, TimeoutError):
                self._too_slow(address)
            accepted.close()
            raise
        protocol = self._protocol
        if isinstance(context, ChallengeContext):
            protocol = ClosingProtocol
        elif client is not None:
            protocol = partial(_announced, self._protocol, client)
        try:
            await self._loop.connect_accepted_socket(
                protocol,
                accepted,
                ssl=context,
                ssl_handshake_timeout=None if context is None else self._handshake_timeout,
            )
        except ConnectionAbortedError:
            # What asyncio and uvloop raise when the handshake's time is over.
            self._too_slow(address)
            raise

    async def _preamble(
        self, accepted: socket.socket, address: str
    ) -> tuple[str | None, ssl.SSLContext | None]:
        """What comes before HTTP and TLS: the client's address, if it is told, and the TLS context."""
        if self._proxies is None and (self._tls is None or not self._tls.needs_client_hello):
            # Nothing is waited for, so no timer is needed.
            return None, None if self._tls is None else self._tls.context_for(UNREADABLE)
        async with asyncio.timeout(self._handshake_timeout):
            client = await self._read_proxy_header(accepted, address)
            return client, await self._tls_context(accepted)

    async def _read_proxy_header(self, accepted: socket.socket, address: str) -> str | None:
        """Takes the PROXY protocol's header off; the client's address, or None for the connection's own."""
        if self._proxies is None:
            return None
        if not self._proxies(address):
            raise _refused(address, "it is not one of server.trusted_proxies")
        try:
            header = await peek(accepted, MAX_HEADER, parse_proxy_header)
        except ProxyHeaderError as error:
            raise _refused(address, str(error)) from None
        except asyncio.CancelledError:
            _refused(address, "its PROXY protocol header did not come in time")
            raise
        accepted.recv(header.size)
        return header.address

    async def _tls_context(self, accepted: socket.socket) -> ssl.SSLContext | None:
        if self._tls is None:
            return None
        if not self._tls.needs_client_hello:
            return self._tls.context_for(UNREADABLE)
        return self._tls.context_for(await peek(accepted, MAX_CLIENT_HELLO, parse_client_hello))

    def _handshake_done(self, task: asyncio.Task[object]) -> None:
        self._handshakes.discard(task)
        # Failed handshakes are routine (scanners, plain HTTP on a TLS port) and already answered by a TLS
        # alert.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, OSError):
            log.error("accepting a connection failed", exc_info=error)

    def _pause(self, error: OSError) -> None:
        """Pauses accepting: out of file descriptors or memory, an immediate retry does not help."""
        log.warning("can't accept connections: %s", error.strerror)
        self._loop.remove_reader(self._sock)
        self._resume_timer = self._loop.call_later(RETRY_DELAY, self._resume)

    def _resume(self) -> None:
        self._resume_timer = None
        self._loop.add_reader(self._sock, self._accept)


class ClosingProtocol(asyncio.Protocol):
    """Closes a connection whose handshake was all that mattered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Closes it."""
        transport.close()


def _refused(address: str, reason: str) -> ConnectionError:
    log.warning("connection from %s closed: %s", address, reason)
    return ConnectionRefusedError(reason)


def _announced(protocol: Callable[[], asyncio.Protocol], client: str) -> asyncio.Protocol:
    made = protocol()
    if isinstance(made, ClientTransport):
        made.announced = client
    return made
