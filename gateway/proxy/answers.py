"""The gateway's own answers on proxied routes, as bytes: every way that serves them sends the same."""

from __future__ import annotations

import json
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from gateway.exchange import Answer, Header, Headers
from gateway.faults import Fault
from gateway.fields import field_lines

PROBLEM_TYPE = b"application/problem+json"
_BODILESS = frozenset({204, 304})


@lru_cache(maxsize=4)
def date_header(second: int) -> bytes:
    """RFC 9110 section 6.6.1: an origin server with a clock must send Date."""
    return formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=256)
def reason_phrase(status: int) -> bytes:
    """The usual words for a status; nothing where there are none."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


@lru_cache(maxsize=256)
def _start(status: int, headers: tuple[Header, ...]) -> bytes:
    """The first lines of an answer: the same answers are given again and again."""
    return b"HTTP/1.1 %d %s\r\n%s" % (status, reason_phrase(status), field_lines(headers))


def fault_answer(fault: Fault, request_id: str) -> Answer:
    """A fault as problem+json (RFC 9457)."""
    body = json.dumps(fault.problem(request_id), separators=(",", ":")).encode()
    return Answer(fault.kind.status, body, fault_headers(fault))


def fault_headers(fault: Fault) -> Headers:
    """The headers of a problem."""
    return [(b"Content-Type", PROBLEM_TYPE), (b"Cache-Control", b"no-store"), *fault.headers]


def answer_bytes(
    answer: Answer, extra: Headers, *, method: str, version: tuple[int, int], keep_alive: bool, now: float
) -> bytes:
    """A whole answer as it goes over the wire."""
    lines = [_start(answer.status, tuple(answer.headers)), field_lines(extra)]
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
