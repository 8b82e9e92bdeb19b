"""Reads a TLS ClientHello before the handshake: which certificate is asked for.

`ssl` lets a server change only the certificate of a handshake that has begun, not whether it requests one of
the client. So the context is chosen first, and each certificate keeps its own client CAs and session tickets.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_CLIENT_HELLO = 16_384
"""Bytes that are looked at. A ClientHello with post-quantum key shares has about 2,000."""

_HANDSHAKE, _CLIENT_HELLO = 22, b"\x01"
_RECORD_HEAD, _MESSAGE_HEAD = 5, 4
_SERVER_NAME, _ALPN = 0, 16


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client asks for. Empty where it does not say, or where its bytes are no ClientHello."""

    server_name: str = ""
    """In lower case, without a dot at its end (RFC 6066 section 3)."""
    alpn: tuple[bytes, ...] = ()
    """Protocols in the client's order (RFC 7301 section 3.1)."""


UNREADABLE = ClientHello()
"""Bytes that are no ClientHello: the handshake itself answers them with an alert."""


def parse_client_hello(data: bytes) -> ClientHello | None:
    """The ClientHello that a connection begins with; None: more bytes are needed. Never raises."""
    try:
        message = _first_message(data)
        if message is None:
            return UNREADABLE if len(data) >= MAX_CLIENT_HELLO else None
        return _read(_Reader(message))
    except _MalformedHello:
        return UNREADABLE


class _MalformedHello(Exception):  # noqa: N818 (does not leave this module)
    pass


class _Reader:
    """Takes fields from the front of a byte string."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, size: int) -> bytes:
        found = self._data[self._place : self._place + size]
        if len(found) < size:
            raise _MalformedHello
        self._place += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Reader:
        """A vector with a length field of `size` bytes (RFC 8446 section 3.4)."""
        return _Reader(self.take(self.number(size)))

    @property
    def rest(self) -> bytes:
        return self._data[self._place :]


def _first_message(data: bytes) -> bytes | None:
    """The first handshake message without its head, joined from as many records as it takes."""
    message, place = b"", 0
    while len(message) < _MESSAGE_HEAD or len(message) < _length_of(message):
        record = data[place : place + _RECORD_HEAD]
        if record[:1] and record[0] != _HANDSHAKE:
            raise _MalformedHello
        if len(record) < _RECORD_HEAD:
            return None
        size = int.from_bytes(record[3:], "big")
        if not size:
            raise _MalformedHello
        fragment = data[place + _RECORD_HEAD : place + _RECORD_HEAD + size]
        message += fragment
        place += _RECORD_HEAD + size
        if message[:1] not in (b"", _CLIENT_HELLO):
            raise _MalformedHello
        if len(fragment) < size and (len(message) < _MESSAGE_HEAD or len(message) < _length_of(message)):
            return None
    return message[_MESSAGE_HEAD : _length_of(message)]


def _length_of(message: bytes) -> int:
    return _MESSAGE_HEAD + int.from_bytes(message[1:_MESSAGE_HEAD], "big")


def _read(hello: _Reader) -> ClientHello:
    """RFC 8446 section 4.1.2: version, random, session id, cipher suites, compression, extensions."""
    hello.take(2 + 32)
    hello.vector(1)
    hello.vector(2)
    hello.vector(1)
    if not hello.rest:
        return UNREADABLE
    name, alpn = "", tuple[bytes, ...]()
    extensions = hello.vector(2)
    while extensions.rest:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            name = _server_name(content)
        elif kind == _ALPN:
            alpn = _protocols(content.vector(2))
    return ClientHello(name, alpn)


def _server_name(content: _Reader) -> str:
    """RFC 6066 section 3: of the list only a host name is defined."""
    names = content.vector(2)
    while names.rest:
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return name.rest.decode("latin-1").lower().rstrip(".")
    return ""


def _protocols(names: _Reader) -> tuple[bytes, ...]:
    found: list[bytes] = []
    while names.rest:
        found.append(names.vector(1).rest)
    return tuple(found)
