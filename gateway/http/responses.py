"""The gateway's own answers on proxied routes, as bytes: every way that serves them sends the same."""

from __future__ import annotations

import json
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from gateway.http.exchange import Headers, Response
from gateway.http.header_fields import render_header_lines
from gateway.http.problems import Problem
from gateway.runtime.caches import KIB, cached_unchecked, register

_BODILESS: Final = frozenset({204, 304})


_DATES: Final = register("Date headers", __name__, entries=4, total_bytes=4 * KIB)
_REASONS: Final = register("reason phrases", __name__, entries=256, total_bytes=128 * KIB)


@cached_unchecked(_DATES)
def date_header(second: int) -> bytes:
    """RFC 9110 section 6.6.1: an origin server with a clock must send Date."""
    return formatdate(second, usegmt=True).encode()


@cached_unchecked(_REASONS)
def reason_phrase(status: int) -> bytes:
    """The usual words for a status; nothing where there are none."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


def problem_response(problem: Problem, request_id: str) -> Response:
    """A problem as problem+json (RFC 9457)."""
    body = json.dumps(problem.document(request_id), separators=(",", ":")).encode()
    return Response(problem.kind.status, body, problem_headers(problem))


def problem_headers(problem: Problem) -> Headers:
    """The headers of a problem."""
    return [(b"Content-Type", problem.media_type), (b"Cache-Control", b"no-store"), *problem.headers]


def response_bytes(
    answer: Response, extra: Headers, *, method: str, version: tuple[int, int], keep_alive: bool, now: float
) -> bytes:
    """A whole answer as it goes over the wire."""
    headers = render_header_lines(answer.headers)
    lines = [b"HTTP/1.1 %d %s\r\n" % (answer.status, reason_phrase(answer.status))]
    lines += [headers, render_header_lines(extra)]
    if b"\r\ndate: " not in b"\r\n" + headers.lower():
        lines.append(b"Date: %s\r\n" % date_header(int(now)))
    if answer.status not in _BODILESS:
        lines.append(b"Content-Length: %d\r\n" % len(answer.body))
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    elif version < (1, 1):
        lines.append(b"Connection: keep-alive\r\n")
    lines.append(b"\r\n")
    if method != "HEAD" and answer.status not in _BODILESS:
        lines.append(answer.body)
    return b"".join(lines)
