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
    problem: bytes
    """The body up to the request's id."""
    _last: tuple[int, int, bool, bytes] = field(default=(-1, 0, False, b""), init=False, compare=False)
    """The last end of a head, behind what it depends on: its second, the bytes of its body, whether the
    connection goes on."""

    def body(self, request_id: str) -> bytes:
        """The body."""
        # As in lines of the access log: an id of letters and digits, as most are, needs no escapes.
        raw = request_id.encode("ascii", "replace")
        shown = b'"%s"' % raw if raw.isalnum() else json_string(request_id).encode("ascii")
        return b"%s%s}" % (self.problem, shown)

    def message(self, body: bytes, extra: Headers, *, keep_alive: bool, now: float) -> bytes:
        """The same bytes that `response_bytes` makes."""
        second, size, last = int(now), len(body), self._last
        if last[0] != second or last[1] != size or last[2] is not keep_alive:
            last = self._last = second, size, keep_alive, _end(second, size, keep_alive=keep_alive)
        if len(extra) == 1:
            # Most often there is one, the request's id.
            name, value = extra[0]
            return b"".join((self.start, name, b": ", value, b"\r\n", last[3], body))
        return b"".join((self.start, render_header_lines(extra), last[3], body))


def _end(second: int, size: int, *, keep_alive: bool) -> bytes:
    """What of a head stands behind the headers that plugins add."""
    connection = b"" if keep_alive else b"Connection: close\r\n"
    return b"Date: %s\r\nContent-Length: %d\r\n%s\r\n" % (date_header(second), size, connection)


def prepared(problem: Problem) -> PreparedResponse:
    """The response to a request that got this problem."""
    status = problem.kind.status
    start = b"HTTP/1.1 %d %s\r\n%s" % (
        status,
        reason_phrase(status),
        render_header_lines(problem_headers(problem)),
    )
    body = json.dumps(problem.document(""), separators=(",", ":"))
    return PreparedResponse(status, start, body.removesuffix('""}').encode())
