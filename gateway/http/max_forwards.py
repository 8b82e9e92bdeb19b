"""Requests that say how far they may go (RFC 9110 section 7.6.2)."""

from __future__ import annotations

import re

from gateway.http.exchange import Headers, RequestHead, Response
from gateway.http.problems import BAD_REQUEST, METHOD_NOT_ALLOWED, Problem

COUNTED = frozenset({"OPTIONS", "TRACE"})
"""The methods whose Max-Forwards counts; with others it is a header like any other."""

_NUMBER = re.compile(rb"[0-9]{1,9}\Z")
ALLOW = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def hops_left(request: RequestHead) -> int | None:
    """How many more hops the request may take; None where it does not say.

    Raises:
        Problem: 400 where the number is malformed or stands twice.
    """
    if request.method not in COUNTED:
        return None
    values = request.values(b"max-forwards")
    if not values:
        return None
    if len(values) > 1 or not _NUMBER.match(values[0]):
        raise Problem(BAD_REQUEST, "Max-Forwards is invalid.")
    return int(values[0])


def max_forwards_response(request: RequestHead, methods: tuple[str, ...]) -> Response | None:
    """What the gateway answers where it is the last hop; None where the request goes on.

    At 0 an intermediary must not forward the request, and answers as the final recipient.

    Args:
        request: What came.
        methods: Those that the route takes; empty: all.

    Raises:
        Problem: 400 as above; 405 for TRACE, which would show the client's secrets to whoever reads the
        answer.
    """
    if hops_left(request) != 0:
        return None
    allow = ", ".join(methods).encode() or ALLOW
    if request.method == "TRACE":
        raise Problem(METHOD_NOT_ALLOWED, "The gateway does not answer TRACE.", headers=[(b"Allow", allow)])
    return options_response(allow)


def options_response(allow: bytes = ALLOW) -> Response:
    """The gateway's own answer to OPTIONS (RFC 9110 section 9.3.7)."""
    return Response(200, headers=[(b"Allow", allow)])


def one_hop_less(request: RequestHead, headers: Headers) -> Headers:
    """`headers` with the number that the next hop reads: one less than came."""
    left = hops_left(request)
    if left is None:
        return headers
    number = b"%d" % max(0, left - 1)
    return [(name, number if name.lower() == b"max-forwards" else value) for name, value in headers]
