"""The plain values of one proxied request, as rules, plugins and connections pass them on.

Header names and values are the bytes that came over the wire, in their order: what is not touched by a
rule leaves as it came.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.http.editable_heads import (
    URL_HEADERS,
    EditableHeaders,
    ForwardHead,
    Header,
    Headers,
    ResponseHead,
    header_values,
    is_event_stream,
)
from gateway.http.route import Route
from gateway.oauth.model import TokenInfo
from gateway.runtime.compilation import mypyc_attr
from gateway.runtime.frozen import open_twin

__all__ = [
    "ERROR_CODE",
    "LOOKUP_TIMES",
    "NOBODY",
    "REFUSAL_REASON",
    "TRACE",
    "UNIX_SOCKET",
    "UNKNOWN_ADDRESS",
    "UPSTREAM_TIMES",
    "URL_HEADERS",
    "EditableHeaders",
    "Exchange",
    "ForwardHead",
    "Header",
    "Headers",
    "Peer",
    "RequestHead",
    "Response",
    "ResponseHead",
    "TimeoutOverrides",
    "header_values",
    "is_event_stream",
]

ERROR_CODE: Final = "gatepost.error"
"""The key in an exchange's `state` of the code of the problem with which the gateway refused it."""
REFUSAL_REASON: Final = "gatepost.reason"
"""The key of what its live token, or the proof beside it, lacks: for the operator."""
UPSTREAM_TIMES: Final = "gatepost.upstream"
"""The key of what is known of its way to the upstream, where that is wanted."""
LOOKUP_TIMES: Final = "gatepost.lookup"
"""The key of when it began and ended to wait for the store, or another issuer, to say what its token is, by
`perf_counter`. Absent: the worker knew."""
TRACE: Final = "gatepost.trace"
"""The key of its trace, where traces are recorded (`gateway.otel.tracer.RequestTrace`)."""

UNIX_SOCKET: Final = "unix:"
"""Stands for the address of a client on a Unix socket, which has none."""
UNKNOWN_ADDRESS: Final = "unknown"
"""RFC 7239 section 6.2: the address of a client of which a trusted proxy says nothing that can be read."""


@dataclass(slots=True, frozen=True)
class Peer:
    """Who sent the request, after `server.trusted_proxies` has been applied."""

    address: str
    """The client's IP address; `UNKNOWN_ADDRESS`; or `UNIX_SOCKET`."""
    scheme: str
    """`http` or `https`, as the client used it."""
    forwarded_for: bytes = b""
    """What the upstream reads in X-Forwarded-For: the chain of trusted proxies, or the address alone."""
    forwarded_host: bytes | None = None
    """The host that a trusted proxy says was asked for."""
    certificate: bytes | None = None
    """The client's TLS certificate in DER, where it presented a verified one."""
    trusted: bool = False
    """Whether one of `server.trusted_proxies` handed the request on: what it says of others is believed."""
    version: tuple[int, int] | None = None
    """The version of HTTP that the client speaks with the edge; None: it speaks with the gateway itself."""
    asking: bool = False
    """Whether the edge only asks about the client's request: it has not sent it on."""


NOBODY: Final = Peer("", "http")
"""Stands where it is not known, or must not matter, who sends."""


@dataclass(slots=True, frozen=True)
class RequestHead:
    """A request's first lines, found to be unambiguous. Requests that begin alike may share one.

    A plugin that wants another puts one in its place: `exchange.request = dataclasses.replace(...)`. In
    `on_request` that is also what the caller is judged by; which route it takes is settled before.
    """

    method: str
    target: bytes
    """The path and query as they came, byte for byte."""
    path: bytes
    """The path as it came, without the query."""
    segments: tuple[str, ...]
    """The path's segments, percent-decoded once: what routes are matched against."""
    query: bytes | None
    """What stood behind `?`; None where there was no `?`."""
    host: str
    """Host in lower case, with the port if there was one."""
    headers: tuple[Header, ...]
    peer: Peer
    version: tuple[int, int] = (1, 1)
    _found: dict[bytes, tuple[bytes, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What was looked for before, on any of the requests that begin so."""

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """All values of the header `name` (given in lower case), in their order."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = tuple(header_values(self.headers, name))
        return found

    @property
    def client_version(self) -> tuple[int, int]:
        """The version of HTTP that the client speaks."""
        return self.peer.version or self.version

    def value(self, name: bytes) -> bytes | None:
        """The first of them, or None."""
        values = self.values(name)
        return values[0] if values else None

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of `name`; None where there is none."""
        value = self.value(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    def with_headers(self, headers: tuple[Header, ...], peer: Peer) -> RequestHead:
        """The same head with other headers, sent by `peer`."""
        if _open_head is None:
            return replace(self, headers=headers, peer=peer)
        other = _open_head()
        other.method = self.method
        other.target = self.target
        other.path = self.path
        other.segments = self.segments
        other.query = self.query
        other.host = self.host
        other.headers = headers
        other.peer = peer
        other.version = self.version
        other._found = {}
        other.__class__ = RequestHead
        return other  # type: ignore[no-any-return]  # it is one by now


_open_head = open_twin(RequestHead)


@mypyc_attr(allow_interpreted_subclasses=True)
@dataclass(slots=True)
class Response:
    """A whole answer of the gateway's own, from a plugin or a rule, in place of the upstream's."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    close: bool = False
    """Whether the connection ends with it."""


@dataclass(slots=True, frozen=True)
class TimeoutOverrides:
    """How long the upstream may take for one request, in seconds; None: as the upstream's own time-outs."""

    response: float | None = None
    """From the request's last byte until the answer's head."""
    idle: float | None = None
    """Without a byte either way."""


@mypyc_attr(allow_interpreted_subclasses=True)
@dataclass(slots=True, init=False)
class Exchange:
    """One proxied request on its way through the pipeline."""

    request: RequestHead
    route: Route
    request_id: str
    token: TokenInfo | None
    """Who calls: known from `on_authorized` on; None on a route that is open to all.

    A plugin that knows the caller by other means than a token says so in `on_request`; the route's scopes
    are judged all the same."""
    forward: ForwardHead | None
    """What goes upstream: known in `on_forward`."""
    response: ResponseHead | None
    """What came back: known in `on_response`."""
    added_response_headers: Headers
    """Headers that plugins add to the answer, whoever gives it (the upstream or the gateway)."""
    max_body: int | None
    """Bytes that this request's body may have; None: `server.max_body`."""
    timeouts: TimeoutOverrides | None
    """Time-outs of this request; None: the upstream's own."""
    state: dict[str, Any]
    """A plugin's own notes on this request, under the plugin's name."""

    # Written out, as each request makes one: what a dataclass makes by itself is never compiled.
    def __init__(
        self,
        request: RequestHead,
        route: Route,
        request_id: str,
        token: TokenInfo | None = None,
        forward: ForwardHead | None = None,
        response: ResponseHead | None = None,
        added_response_headers: Headers | None = None,
        max_body: int | None = None,
        timeouts: TimeoutOverrides | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.request = request
        self.route = route
        self.request_id = request_id
        self.token = token
        self.forward = forward
        self.response = response
        self.added_response_headers = [] if added_response_headers is None else added_response_headers
        self.max_body = max_body
        self.timeouts = timeouts
        self.state = {} if state is None else state
