"""The plain values of one proxied request, as rules, plugins and connections pass them on.

Header names and values are the bytes that came over the wire, in their order: what is not touched by a
rule leaves as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.http.route import Route
from gateway.oauth.model import TokenInfo
from gateway.runtime.frozen import open_twin

Header = tuple[bytes, bytes]
Headers = list[Header]


def header_values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """All values of the header `name` (given in lower case), in their order."""
    return [value for key, value in headers if key.lower() == name]


def is_event_stream(headers: Iterable[Header]) -> bool:
    """Whether a response with these headers is one of server-sent events (HTML section 9.2)."""
    types = header_values(headers, b"content-type")
    return bool(types) and types[0].partition(b";")[0].strip().lower() == b"text/event-stream"


URL_HEADERS = frozenset({b"location", b"content-location", b"refresh", b"set-cookie"})
"""Names in lower case of response headers that hold URLs of the upstream's, or cookies with a path.

They are rewritten by `gateway.http.public_urls`."""

ERROR_CODE = "gatepost.error"
"""The key in an exchange's `state` of the code of the problem with which the gateway refused it."""
UPSTREAM_TIMES = "gatepost.upstream"
"""The key of what is known of its way to the upstream, where that is wanted."""
LOOKUP_TIMES = "gatepost.lookup"
"""The key of when it began and ended to wait for the store, or another issuer, to say what its token is, by
`perf_counter`. Absent: the worker knew."""
TRACE = "gatepost.trace"
"""The key of its trace, where traces are recorded (`gateway.otel.tracer.RequestTrace`)."""

UNIX_SOCKET = "unix:"
"""Stands for the address of a client on a Unix socket, which has none."""
UNKNOWN_ADDRESS = "unknown"
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


NOBODY = Peer("", "http")
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


class EditableHeaders:
    """What plugins can do with the headers of a head."""

    __slots__ = ()
    headers: Headers

    def values(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (given in lower case), in their order."""
        return header_values(self.headers, name)

    def add(self, name: bytes, value: bytes) -> None:
        """Adds a header behind all others."""
        self.headers.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Sets a header, in place of all others of that name."""
        self.remove(name)
        self.headers.append((name.encode("latin-1"), value.encode("latin-1")))

    def remove(self, name: str) -> None:
        """Removes every header of that name."""
        lower = name.lower().encode("latin-1")
        kept = [item for item in self.headers if item[0].lower() != lower]
        self.headers = kept  # type: ignore[misc]  # the slot is the subclass's


@dataclass(slots=True)
class ForwardHead(EditableHeaders):
    """The head that goes upstream. Plugins change it in `on_forward`."""

    method: str
    target: bytes
    headers: Headers


@dataclass(slots=True)
class ResponseHead(EditableHeaders):
    """The head that came back from the upstream. Plugins change it in `on_response`."""

    status: int
    reason: bytes
    headers: Headers
    version: tuple[int, int] = (1, 1)

    @property
    def has_urls(self) -> bool:
        """Whether it has headers that `gateway.http.public_urls` may rewrite."""
        return any(name.lower() in URL_HEADERS for name, _ in self.headers)

    @property
    def is_event_stream(self) -> bool:
        """Whether its body is a stream of events."""
        return is_event_stream(self.headers)


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


@dataclass(slots=True)
class Exchange:
    """One proxied request on its way through the pipeline."""

    request: RequestHead
    route: Route
    request_id: str
    token: TokenInfo | None = None
    """Who calls: known from `on_authorized` on; None on a route that is open to all.

    A plugin that knows the caller by other means than a token says so in `on_request`; the route's scopes
    are judged all the same."""
    forward: ForwardHead | None = None
    """What goes upstream: known in `on_forward`."""
    response: ResponseHead | None = None
    """What came back: known in `on_response`."""
    added_response_headers: Headers = field(default_factory=list)
    """Headers that plugins add to the answer, whoever gives it (the upstream or the gateway)."""
    max_body: int | None = None
    """Bytes that this request's body may have; None: `server.max_body`."""
    timeouts: TimeoutOverrides | None = None
    """Time-outs of this request; None: the upstream's own."""
    state: dict[str, Any] = field(default_factory=dict)
    """A plugin's own notes on this request, under the plugin's name."""
