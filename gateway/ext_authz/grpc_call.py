"""A unary call of gRPC on HTTP/2: its head, its one message, and its answer. Rules without I/O."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.http.exchange import Header, header_values
from gateway.http.grpc_status import GrpcStatus, grpc_message, read_timeout

CONTENT_TYPE: Header = (b"content-type", b"application/grpc")
_PREFIX = 5
"""Bytes before a message: whether it is compressed, and its length in four."""


class GrpcError(Exception):
    """The call has no answer but this status."""

    def __init__(self, status: GrpcStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def called_method(headers: Sequence[Header]) -> bytes:
    """The full name of the method that is called, with the slash before it.

    Raises:
        GrpcError: it is no call of gRPC.
    """
    first = {name: value for name, value in reversed(headers) if name.startswith(b":")}
    kind = header_values(headers, b"content-type")
    if first.get(b":method") != b"POST" or not kind or not kind[0].startswith(b"application/grpc"):
        raise GrpcError(GrpcStatus.UNIMPLEMENTED, "Only calls of gRPC are answered here.")
    return first.get(b":path", b"")


def call_timeout(headers: Sequence[Header], longest: float) -> float:
    """Seconds that the call may take: those that its caller gives it, and at most `longest`.

    Raises:
        GrpcError: the header is malformed.
    """
    values = header_values(headers, b"grpc-timeout")
    if not values:
        return longest
    seconds = read_timeout(values[0])
    if seconds is None:
        raise GrpcError(GrpcStatus.INVALID_ARGUMENT, "The header grpc-timeout is malformed.")
    return min(seconds, longest)


def only_message(data: bytes) -> bytes:
    """The message of a unary call, from all that its stream has carried.

    Raises:
        GrpcError: it is not exactly one, or it is compressed.
    """
    if len(data) < _PREFIX or len(data) != _PREFIX + int.from_bytes(data[1:_PREFIX], "big"):
        raise GrpcError(GrpcStatus.INVALID_ARGUMENT, "The call must have exactly one message.")
    if data[0]:
        raise GrpcError(GrpcStatus.UNIMPLEMENTED, "Compressed messages are not read here.")
    return data[_PREFIX:]


def framed(message: bytes) -> bytes:
    """A message as it goes over the wire."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def error_headers(error: GrpcError) -> list[Header]:
    """The whole answer of a call that failed: headers without a body ("Trailers-Only")."""
    return [
        (b":status", b"200"),
        CONTENT_TYPE,
        (b"grpc-status", b"%d" % error.status),
        (b"grpc-message", grpc_message(error.text)),
    ]
