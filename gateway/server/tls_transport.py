"""TLS between the bytes of a client connection and its protocol.

What asyncio and uvloop have for this costs much beside the cryptography of a handshake: for each connection
two timers, a buffer of 256 KiB, and an exception at each look for bytes that have not come.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

from gateway.server.transport import ClientTransport

RECORD: Final = 16_384
"""The most bytes in a record (RFC 8446 section 5.1): a read takes one whole, and OpenSSL keeps none of it."""

_TLS_1_3: Final = "TLSv1.3"
_PLAIN_HTTP: Final = "HTTP_REQUEST"
"""OpenSSL's name for a request that comes in place of a handshake."""


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The server's end of TLS: to the event loop the protocol, to the protocol above the transport.

    It has no timer. Who makes it bounds the handshake, and the protocol how long a client may take to read.
    """

    __slots__ = (
        "_client",
        "_closing",
        "_connected",
        "_flushing",
        "_handshake_over",
        "_incoming",
        "_loop",
        "_outgoing",
        "_protocol",
        "_reading",
        "_tls",
        "_wire",
        "begins",
        "problem",
    )

    def __init__(
        self,
        context: ssl.SSLContext,
        protocol: asyncio.Protocol,
        loop: asyncio.AbstractEventLoop,
        handshake_over: Callable[[TlsTransport], None],
    ) -> None:
        """`handshake_over` is called once: it is done, or has failed, or the connection is gone."""
        self._loop = loop
        self._protocol = protocol
        self._client = protocol if isinstance(protocol, ClientTransport) else None
        self._handshake_over: Callable[[TlsTransport], None] | None = handshake_over
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._wire: asyncio.Transport | None = None
        """None before there is a connection, and when it is gone."""
        self._connected = False
        """Whether the protocol has been told of the connection, and not of its end."""
        self._closing = self._flushing = False
        self._reading = True
        self.begins = True
        """Whether the protocol has not had any bytes yet."""
        self.problem = ""
        """Why the handshake has failed, if it has and the client has not just gone."""

    @property
    def awaits_last_response(self) -> bool:
        """As its protocol."""
        return self._client is not None and self._client.awaits_last_response

    def moved_to(self, transport: asyncio.Transport) -> None:
        """From now on its bytes come and go by this transport."""
        self._wire = transport

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client begins the handshake."""
        self._wire = cast(asyncio.Transport, transport)
        if self._closing:
            self._wire.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of the handshake, or of records."""
        if self._closing:
            return
        self._incoming.write(data)
        if self._handshake_over is not None:
            self._shake_hands()
        elif self._reading:
            self._read()

    def pause_writing(self) -> None:
        """The client does not take what was sent."""
        if self._connected:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        if self._connected:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._wire = None
        self._end_handshake()
        if self._connected:
            self._connected = False
            self._protocol.connection_lost(exc)
        elif self._client is not None:
            self._client.not_made()

    # The handshake.

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self.problem = _reason(error)
            if error.reason == _PLAIN_HTTP and self._client is not None and self._wire is not None:
                self._refuse_plain_http(self._client, self._wire)
            else:
                self._fail()
            return
        self._end_handshake()
        waited_for = not self._incoming.pending or self._tls.version() != _TLS_1_3
        if waited_for:
            self._flush()
        self._connected = True
        self._protocol.connection_made(self)
        # Else it is a session ticket, and the client has sent a request: one goes out with the response.
        self._read_on(flush=waited_for)

    def _end_handshake(self) -> None:
        over, self._handshake_over = self._handshake_over, None
        if over is not None:
            over(self)

    def _refuse_plain_http(self, client: ClientTransport, wire: asyncio.Transport) -> None:
        """Who speaks HTTP in place of TLS is answered in HTTP."""
        self._closing = True
        self._end_handshake()
        self._connected = client.refuse_plain_http(wire)

    def _fail(self) -> None:
        """Sends OpenSSL's alert, and waits for nothing."""
        self._flush()
        self.abort()

    def _flush(self) -> None:
        """Sends what OpenSSL has to say."""
        data = self._outgoing.read()
        if data and self._wire is not None:
            self._wire.write(data)

    # What has come.

    def _read(self, *, flush: bool = True) -> None:
        """Hands on what has come, in one piece: as it would have come without TLS."""
        read, incoming = self._tls.read, self._incoming
        pieces: list[bytes] = []
        ended = False
        try:
            while incoming.pending and not ended:
                piece = read(RECORD)
                pieces.append(piece)
                ended = not piece
        except ssl.SSLWantReadError:
            # The rest of a record has not come yet.
            pass
        except ssl.SSLError:
            self._fail()
            return
        if flush and self._outgoing.pending:
            # The answer to an update of keys (RFC 8446 section 4.6.3).
            self._flush()
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if data:
            self.begins = False
            self._protocol.data_received(data)
        if ended and self._connected and not self._closing:
            # RFC 8446 section 6.1: the client has said that it sends no more.
            self._protocol.eof_received()
            self.close()

    def _read_on(self, *, flush: bool = True) -> None:
        if self._incoming.pending and self._reading and self._connected and not self._closing:
            self._read(flush=flush)

    # What the protocol calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends bytes."""
        if self._closing or self._wire is None or not data:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self._fail()
            return
        if self._client is not None and self._client.awaits_last_response:
            # The end comes with it (RFC 8446 section 6.1), mostly at once: both go out together.
            if not self._flushing:
                self._flushing = True
                self._loop.call_soon(self._flush_last)
        else:
            self._wire.write(self._outgoing.read())

    def _flush_last(self) -> None:
        self._flushing = False
        self._flush()

    def close(self) -> None:
        """Says that no more comes, and closes when all that was written is out.

        It does not wait until the client says so, too: RFC 8446 section 6.1 asks for no more.
        """
        if self._closing or self._wire is None:
            return
        self._closing = True
        if self._connected:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
        self._wire.close()

    def abort(self) -> None:
        """Breaks the connection off."""
        self._closing = True
        if self._wire is not None:
            self._wire.abort()

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._closing or self._wire is None

    def pause_reading(self) -> None:
        """Reads no more for now."""
        self._reading = False
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Reads on."""
        self._reading = True
        if self._wire is not None:
            self._wire.resume_reading()
            if self._incoming.pending:
                self._loop.call_soon(self._read_on)

    def is_reading(self) -> bool:
        """Whether it reads."""
        return self._reading and not self.is_closing()

    def can_write_eof(self) -> bool:
        """TLS knows no half-closed connection that clients could be trusted to understand."""
        return False

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken yet, as they are sent."""
        return 0 if self._wire is None else self._wire.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """From how many of them on writing pauses, and until when."""
        if self._wire is not None:
            self._wire.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As asyncio's transports have it: `ssl_object`, `sslcontext`, and what the connection itself has."""
        if name == "ssl_object":
            return self._tls
        if name == "sslcontext":
            return self._tls.context
        return default if self._wire is None else self._wire.get_extra_info(name, default)


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate is refused: {error.verify_message}"
    return "plain HTTP" if error.reason == _PLAIN_HTTP else str(error.reason).replace("_", " ").lower()
