"""Accepts connections from a listening socket in batches, and makes their transports.

uvloop's own server accepts one connection per event loop iteration (libuv since 1.45). Under load an
iteration takes tens of milliseconds, so a burst of new connections would wait for seconds in the backlog.

No task is made for a connection of which nothing is waited for before TLS or HTTP: it would cost as much as
its transport.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Protocol, cast

from gateway.http.exchange import UNIX_SOCKET
from gateway.process.acme_certificate import ChallengeContext, ClosingProtocol
from gateway.process.client_hello import MAX_CLIENT_HELLO, UNREADABLE, ClientHello, parse_client_hello
from gateway.process.handshakes import Handshakes
from gateway.process.listen_queue import BACKLOG, HANDSHAKE_DELAY, queue_length, refuse_new, refuses_new
from gateway.process.peek import peek
from gateway.process.proxy_protocol import MAX_HEADER, ProxyHeaderError, parse_proxy_header
from gateway.server.accepted_transport import AcceptedTransport, MovableProtocol
from gateway.server.early_reader import SUPPORTED, Accepted, EarlyReader
from gateway.server.tls_transport import TlsTransport
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


_Between = asyncio.Protocol | None
"""What there is of a connection before the event loop makes its transport: it hears if that can't be."""
_Opening = tuple[Coroutine[Any, Any, object], "asyncio.Future[object]", _Between]
"""The coroutine of the event loop that makes a transport, what it waits for, and what there is so far."""


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
        movable: bool = False,
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
            movable: Whether `protocol` makes a `MovableProtocol`: its first bytes may be read at once.
        """
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._family, self._type = sock.family, sock.type
        self._protocol = protocol
        self._tls = tls
        self._handshake_timeout = handshake_timeout
        self._proxies = proxies
        self._too_slow = too_slow
        self._kept_open = kept_open
        self._handshakes = Handshakes(self._loop, handshake_timeout, too_slow)
        self._early: EarlyReader | None = None
        if movable and proxies is None and SUPPORTED and not (tls and tls.needs_client_hello):
            self._early = EarlyReader((self._family, self._type), self._make_early, self._watch)
        self._accepted: list[Accepted] = []
        """What the next turn of the event loop begins with."""
        self._openings: list[_Opening] = []
        """Connections of whose transport the event loop is about to tell their protocol."""
        self._finishing = False
        """Whether the next turn of the event loop looks at them."""
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
        while self._accepted or self._openings:  # noqa: ASYNC110 (the event loop has done its part in its next turn)
            await asyncio.sleep(0)
        await self._handshakes.finish(seconds)

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
        if self._early is not None:
            self._early.close()
            self._early = None

    def abort_handshakes(self) -> None:
        """Cancels pending TLS handshakes."""
        self._handshakes.abort()

    def _accept(self) -> None:
        for _ in range(min(BATCH, queue_length(self._sock) or BATCH)):
            if not self._accept_one():
                break

    def _accept_one(self) -> bool:
        """Whether it makes sense to try again at once."""
        try:
            # What `accept` of the standard library begins with, before it makes a socket.
            descriptor, address = self._sock._accept()  # type: ignore[attr-defined]  # only typeshed lacks it
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:
            return True  # reset by the client while it was in the backlog
        except OSError as error:
            if self._last_call is None:
                self._pause(error)
            return False
        if not self._accepted:
            # Not at once: the faster requests follow, the longer grow the turns of a loop that can't keep up.
            self._loop.call_soon(self._begin_all)
        self._accepted.append((descriptor, address))
        return True

    def _begin_all(self) -> None:
        accepted, self._accepted = self._accepted, []
        if self._early is not None:
            self._early.begin(accepted)
        else:
            self._begin_each(accepted)

    def _make_early(self, peername: object) -> MovableProtocol | None:
        try:
            if self._tls is None:
                return cast(MovableProtocol, self._protocol())
            return self._encrypted(self._tls.context_for(UNREADABLE), _address(peername))
        except Exception as error:
            _log(error)
            return None

    def _begin_each(self, accepted: Iterable[Accepted]) -> None:
        for descriptor, peername in accepted:
            self._begin(self._socket(descriptor), _address(peername))
        self._finish_opening_soon()

    def _begin(self, accepted: socket.socket, address: str) -> None:
        tls = self._tls
        if self._proxies is None and (tls is None or not tls.needs_client_hello):
            self._open(accepted, address, None if tls is None else tls.context_for(UNREADABLE))
        else:
            accepted.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
            self._handshakes.add_preamble(self._loop.create_task(self._read_preamble(accepted, address)))

    def _socket(self, descriptor: int) -> socket.socket:
        """As the event loop wants it."""
        accepted = AcceptedSocket(self._family, self._type, 0, descriptor)
        accepted.family, accepted.type = self._family, self._type
        return accepted

    # What comes before HTTP and TLS: the client's address, if it is told, and what the context depends on.

    async def _read_preamble(self, accepted: socket.socket, address: str) -> None:
        made: asyncio.Protocol | None = None
        try:
            async with asyncio.timeout(self._handshake_timeout):
                made = self._begun(await self._read_proxy_header(accepted, address), address)
                context = await self._tls_context(accepted)
        except asyncio.CancelledError:
            _give_up(accepted, made)
            raise
        except Exception as error:
            _give_up(accepted, made)
            if isinstance(error, TimeoutError):
                self._too_slow(address)
            _log(error)
        else:
            self._open(accepted, address, context, made)
            self._finish_opening_soon()

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

    # The connection's protocol and transport.

    def _begun(self, client: str | None, address: str) -> asyncio.Protocol:
        """A protocol that something precedes: it counts from now on. `client`: who a proxy says it is.

        Raises ConnectionRefusedError: it would be one too many.
        """
        made = self._protocol()
        if isinstance(made, ClientTransport):
            made.announced = client
            if not made.begin(address):
                raise ConnectionRefusedError("there are as many connections as may be")
        return made

    def _open(
        self,
        accepted: socket.socket,
        address: str,
        context: ssl.SSLContext | None,
        made: asyncio.Protocol | None = None,
    ) -> None:
        """Makes them. `context`: None: plain TCP. `made`: what there is of them."""
        try:
            between = made if context is None else self._encrypted(context, address, made)
        except Exception as error:
            _give_up(accepted, made)
            _log(error)
        else:
            protocol = self._protocol if between is None else partial(_itself, between)
            self._connect(protocol, accepted, between)

    def _watch(self, transport: AcceptedTransport, descriptor: int) -> socket.socket:
        """Has the event loop watch a connection that was begun without it."""
        accepted = self._socket(descriptor)
        self._connect(partial(_itself, transport), accepted, transport)
        self._finish_opening_soon()
        return accepted

    def _connect(
        self, protocol: Callable[[], asyncio.Protocol], accepted: socket.socket, between: _Between
    ) -> None:
        """Has the event loop make a transport."""
        opening = self._loop.connect_accepted_socket(protocol, accepted)
        try:
            waiting: asyncio.Future[object] = opening.send(None)
        except Exception as error:
            accepted.close()
            self._not_opened(between, error)
        else:
            self._openings.append((opening, waiting, between))

    def _encrypted(
        self, context: ssl.SSLContext, address: str, made: asyncio.Protocol | None = None
    ) -> TlsTransport:
        if isinstance(context, ChallengeContext):
            _not_made(made)
            made = ClosingProtocol()
        above = made or self._begun(None, address)
        transport = TlsTransport(context, above, self._loop, self._handshakes.discard)
        self._handshakes.add(transport, address)
        return transport

    def _finish_opening_soon(self) -> None:
        """Once the event loop has told the protocols of their transports: it does so in its next turn."""
        if self._openings and not self._finishing:
            self._finishing = True
            self._loop.call_soon(self._finish_opening)

    def _finish_opening(self) -> None:
        """The event loop's own coroutines have nothing more to wait for."""
        self._finishing = False
        openings, self._openings = self._openings, []
        for opening, waiting, between in openings:
            if not waiting.done():
                self._openings.append((opening, waiting, between))
                continue
            try:
                opening.send(None)
            except StopIteration:
                pass
            except Exception as error:
                self._not_opened(between, error)
        self._finish_opening_soon()

    def _not_opened(self, between: _Between, error: Exception) -> None:
        if between is not None:
            between.connection_lost(error)
        _log(error)

    def _pause(self, error: OSError) -> None:
        """Pauses accepting: out of file descriptors or memory, an immediate retry does not help."""
        log.warning("can't accept connections: %s", error.strerror)
        self._loop.remove_reader(self._sock)
        self._resume_timer = self._loop.call_later(RETRY_DELAY, self._resume)

    def _resume(self) -> None:
        self._resume_timer = None
        self._loop.add_reader(self._sock, self._accept)


class AcceptedSocket(socket.socket):
    """Knows what it is. A socket of the standard library makes an enumeration's member each time it is asked,
    which the event loop does so often that it is a tenth of what a new connection costs.
    """

    __slots__ = ("family", "type")

    family: socket.AddressFamily
    type: socket.SocketKind


def _log(error: Exception) -> None:
    # That the network or a client ends a connection is routine.
    if not isinstance(error, OSError):
        log.error("accepting a connection failed", exc_info=error)


def _address(peername: object) -> str:
    return str(peername[0]) if isinstance(peername, tuple) else UNIX_SOCKET


def _refused(address: str, reason: str) -> ConnectionError:
    log.warning("connection from %s closed: %s", address, reason)
    return ConnectionRefusedError(reason)


def _give_up(accepted: socket.socket, made: asyncio.Protocol | None) -> None:
    accepted.close()
    _not_made(made)


def _not_made(made: asyncio.Protocol | None) -> None:
    if isinstance(made, ClientTransport):
        made.not_made()


def _itself(transport: asyncio.Protocol) -> asyncio.Protocol:
    return transport
