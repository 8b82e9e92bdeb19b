"""Problems whose response is rendered once, but for what differs from request to request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as json_string

from gateway.http.exchange import Headers
from gateway.http.header_fields import render_header_lines
from gateway.http.problems import Problem
from gateway.http.responses import date_header, problem_headers, reason_phrase


@dataclass(slots=True)
class PreparedResponse:
    """A response in HTTP/1.1, not to HEAD, but for what differs from request to request."""

    status: int
    start: bytes
    """The status line and the problem's headers."""
    problem: str
    """The body up to the request's id."""
    _last: tuple[int, int, bool, bytes] = field(default=(-1, 0, False, b""), init=False, compare=False)
    """The last head, behind what it depends on: its second, the bytes of its body, whether the connection
    goes on."""

    def body(self, request_id: str) -> bytes:
        """The body."""
        return f"{self.problem}{json_string(request_id)}}}".encode()

    def message(self, body: bytes, extra: Headers, *, keep_alive: bool, now: float) -> bytes:
        """The same bytes that `response_bytes` makes."""
        second, size = int(now), len(body)
        if extra:
            return self._head(second, size, keep_alive, render_header_lines(extra)) + body
        last = self._last
        if last[0] != second or last[1] != size or last[2] is not keep_alive:
            last = self._last = second, size, keep_alive, self._head(second, size, keep_alive, b"")
        return last[3] + body

    def _head(self, second: int, size: int, keep_alive: bool, extra: bytes) -> bytes:
        return b"%s%sDate: %s\r\nContent-Length: %d\r\n%s\r\n" % (
            self.start,
            extra,
            date_header(second),
            size,
            b"" if keep_alive else b"Connection: close\r\n",
        )


def prepared(problem: Problem) -> PreparedResponse:
    """The response to a request that got this problem."""
    status = problem.kind.status
    start = b"HTTP/1.1 %d %s\r\n%s" % (
        status,
        reason_phrase(status),
        render_header_lines(problem_headers(problem)),
    )
    body = json.dumps(problem.document(""), separators=(",", ":"))
    return PreparedResponse(status, start, body.removesuffix('""}'))
