"""What goes upstream of requests with the same head: rendered once, and added to by hooks.

Most hooks of `on_forward` add a header, or remove one that might be there. That needs no list of all headers:
what is sent then are the lines that were rendered before, and the new ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.http.exchange import Exchange, ForwardHead, Headers, RequestHead
from gateway.http.forwarding_headers import IDENTITY_NAMES, identity_headers
from gateway.http.header_fields import render_header_lines
from gateway.oauth.model import TokenInfo
from gateway.proxy.forward_head import render_request_head
from gateway.upstream.upload import declared_length

_UNREAD = -1
"""The length of a body of which nobody has asked."""


@dataclass(slots=True)
class UpstreamHead:
    """What goes upstream by one route, up to the request's id."""

    head: ForwardHead
    """As `gateway.proxy.forward_head.route_head` makes it. Not to be changed."""
    lines: bytes
    """The same as it goes over the wire."""
    _names: frozenset[bytes] | None = field(default=None, init=False, repr=False, compare=False)
    _length: int | None = field(default=_UNREAD, init=False, repr=False, compare=False)

    def names(self) -> frozenset[bytes]:
        """The names of its headers in lower case, and of those that follow (`identity_headers`)."""
        names = self._names
        if names is None:
            names = self._names = IDENTITY_NAMES.union([name.lower() for name, _ in self.head.headers])
        return names

    def length(self) -> int | None:
        """The bytes of the body, as its Content-Length says; None: there is none."""
        length = self._length
        if length == _UNREAD:
            length = self._length = declared_length(self.lines)
        return length


class CachedForwardHead(ForwardHead):
    """The head that goes upstream, for hooks to change. Its headers are put together when asked for.

    Made as any other head is, as `dataclasses.replace` does, it is one.
    """

    __slots__ = ("_added", "_identity", "_lines", "_made", "_names", "_shared")

    _shared: ForwardHead
    _names: frozenset[bytes]
    _lines: bytes
    _identity: tuple[RequestHead, str, TokenInfo | None]
    """What the headers are made of that say who sent the request."""
    _added: Headers
    """What hooks have added, as long as nobody has asked for the headers."""
    _made: Headers | None
    """The headers; None: nobody has asked for them."""

    @classmethod
    def of(cls, shared: UpstreamHead, exchange: Exchange, lines: bytes) -> CachedForwardHead:
        """The head of a request; `lines` are the whole of it without the empty line."""
        self = cls.__new__(cls)
        self._shared = head = shared.head
        self.method, self.target = head.method, head.target
        self._names, self._lines = shared.names(), lines
        self._identity = exchange.request, exchange.request_id, exchange.token
        self._added, self._made = [], None
        return self

    @property
    def headers(self) -> Headers:
        """All headers, in their order."""
        made = self._made
        if made is None:
            made = self._made = [*self._shared.headers, *identity_headers(*self._identity), *self._added]
        return made

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._made = headers

    def values(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (given in lower case), in their order."""
        if self._made is None and name not in self._names and not self._added:
            return []
        return super().values(name) if self._may_have(name) else []

    def add(self, name: bytes, value: bytes) -> None:
        """Adds a header behind all others."""
        (self._added if self._made is None else self._made).append((name, value))

    def set(self, name: str, value: str) -> None:
        """Sets a header, in place of all others of that name."""
        self.remove(name)
        self.add(name.encode("latin-1"), value.encode("latin-1"))

    def remove(self, name: str) -> None:
        """Removes every header of that name."""
        if self._may_have(name.lower().encode("latin-1")):
            super().remove(name)

    def _may_have(self, lower: bytes) -> bool:
        if self._made is not None or lower in self._names:
            return True
        return bool(self._added) and any(name.lower() == lower for name, _ in self._added)

    def render(self, framing: bytes) -> bytes:
        """The head as it goes over the wire. `framing` is a header line of the gateway's own, or empty."""
        if self._made is not None or (self.method, self.target) != (self._shared.method, self._shared.target):
            return render_request_head(self, framing)
        return b"%s%s%s\r\n" % (self._lines, render_header_lines(self._added), framing)
