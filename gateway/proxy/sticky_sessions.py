"""Sticky sessions: a cookie keeps a client on one server of an upstream, as long as that one is available.

The cookie has a keyed hash of the server's name. So it says nothing of the server's address, and all workers
and gateways with the same master key read it alike.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from gateway.http.exchange import Exchange

_ID_LENGTH = 32
"""Hexadecimal digits of the cookie's value: 128 bits."""


class StickySessions:
    """The cookie of one upstream."""

    def __init__(
        self, cookie: str, upstream: str, key: Callable[[], bytes], servers: Callable[[], Iterable[str]]
    ) -> None:
        """`key` is asked for once, with the first request. `servers` gives the names of the servers now."""
        self._cookie = cookie.encode()
        self._upstream = upstream
        self._key = key
        self._secret: bytes | None = None
        self._servers = servers

    def begin(self, exchange: Exchange) -> StickyRequest:
        """The part that one request has in it."""
        return StickyRequest(self, exchange)

    def server(self, cookies: Iterable[bytes]) -> str | None:
        """The name of the server that a request's Cookie headers ask for; None: any."""
        shown = cookie_value(cookies, self._cookie)
        if shown is None or len(shown) != _ID_LENGTH:
            return None
        return next((name for name in self._servers() if self._id(name) == shown), None)

    def set_cookie(self, name: str, *, secure: bool) -> bytes:
        """The value of Set-Cookie (RFC 6265 section 4.1) for a server."""
        end = b"; Secure" if secure else b""
        return self._cookie + b"=" + self._id(name) + b"; Path=/; HttpOnly; SameSite=Lax" + end

    def _id(self, name: str) -> bytes:
        if self._secret is None:
            self._secret = self._key()
        digest = hmac.digest(self._secret, f"{self._upstream}\0{name}".encode(), "sha256")
        return digest.hex()[:_ID_LENGTH].encode()


class StickyRequest:
    """Which server a request wants, and the cookie in its response where it got another one."""

    __slots__ = ("_exchange", "_sessions", "wanted")

    def __init__(self, sessions: StickySessions, exchange: Exchange) -> None:
        self._sessions = sessions
        self._exchange = exchange
        self.wanted = sessions.server(exchange.request.values(b"cookie"))
        """The server's name; None: any."""

    def served_by(self, server: str) -> None:
        """The response of this server is about to be passed on to the client."""
        if server != self.wanted:
            secure = self._exchange.request.peer.scheme == "https"
            value = self._sessions.set_cookie(server, secure=secure)
            self._exchange.added_response_headers.append((b"Set-Cookie", value))


def cookie_value(headers: Iterable[bytes], name: bytes) -> bytes | None:
    """The value of the first cookie of that name (RFC 6265 section 5.4)."""
    for header in headers:
        for pair in header.split(b";"):
            key, equals, value = pair.strip().partition(b"=")
            if equals and key == name:
                return value
    return None
