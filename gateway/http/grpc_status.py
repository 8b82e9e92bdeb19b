"""Answers of the gateway's own as gRPC calls read them: a status of gRPC's and a message, in headers alone.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Trailers-Only".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from gateway.http.exchange import Header, Response, header_values

_CONTENT = frozenset({b"content-type", b"content-length"})
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])\Z")
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
# Percent-Byte-Unencoded: printable ASCII without the percent sign.
_ENCODED = re.compile(rb"[^\x20-\x24\x26-\x7e]")


class GrpcStatus(IntEnum):
    """The status codes of gRPC that the gateway gives."""

    OK = 0
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


_STATUSES = {
    400: GrpcStatus.INVALID_ARGUMENT,
    401: GrpcStatus.UNAUTHENTICATED,
    403: GrpcStatus.PERMISSION_DENIED,
    404: GrpcStatus.UNIMPLEMENTED,
    405: GrpcStatus.UNIMPLEMENTED,
    413: GrpcStatus.RESOURCE_EXHAUSTED,
    414: GrpcStatus.INVALID_ARGUMENT,
    429: GrpcStatus.RESOURCE_EXHAUSTED,
    431: GrpcStatus.RESOURCE_EXHAUSTED,
    500: GrpcStatus.INTERNAL,
    501: GrpcStatus.UNIMPLEMENTED,
    502: GrpcStatus.UNAVAILABLE,
    503: GrpcStatus.UNAVAILABLE,
    504: GrpcStatus.DEADLINE_EXCEEDED,
}


def grpc_status(status: int) -> GrpcStatus:
    """The status of gRPC that says what this status of HTTP says."""
    return _STATUSES.get(status, GrpcStatus.UNKNOWN)


def grpc_message(text: str) -> bytes:
    """A text as a `grpc-message` header: UTF-8, percent-encoded where a header can't carry it."""
    return _ENCODED.sub(lambda found: b"%%%02X" % found[0][0], text.encode("utf-8", "replace"))


def is_grpc(headers: Iterable[Header]) -> bool:
    """Whether a request with these headers is a call of gRPC, or of gRPC-Web."""
    return any(value[:16].lower() == b"application/grpc" for value in header_values(headers, b"content-type"))


def grpc_refusal(answer: Response, text: str) -> Response:
    """A refusal as a call of gRPC reads it. The status stays, for proxies and for callers in browsers.

    Args:
        answer: as other requests get it.
        text: why, in words.
    """
    headers = [item for item in answer.headers if item[0].lower() not in _CONTENT]
    status = b"%d" % grpc_status(answer.status)
    headers += [(b"grpc-status", status), (b"grpc-message", grpc_message(text))]
    return Response(answer.status, headers=headers, close=answer.close)


def read_timeout(value: bytes) -> float | None:
    """The seconds in a `grpc-timeout` header; None: it is malformed."""
    found = _TIMEOUT.match(value)
    return None if found is None else int(found[1]) * _UNITS[found[2]]
