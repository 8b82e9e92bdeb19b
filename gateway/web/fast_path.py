"""The fast path: simple requests are answered while their bytes are received, without aiohttp.

It takes a request whose head has come whole and has the simplest shape (`gateway.proxy.simple_request`), with
nothing behind it but its body or a part of that; a chunked body must have come whole. It declines all else,
and aiohttp gets the bytes untouched. The phases, plugins and responses are the same on both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.http.chunked_body import content_of
from gateway.http.exchange import Exchange
from gateway.http.forwarded import TrustedProxies, real_peer
from gateway.proxy.request_cache import MAX_HEAD, RequestReader
from gateway.server.in_flight import ClientWriter, InFlightRequest
from gateway.web.proxy_request import ProxyRequest
from gateway.web.proxy_services import ProxyServices
from gateway.web.token_fast_path import TokenFastPath
from gateway.web.upload_request import UploadRequest

_LINE_FEED: Final = b"\n"[0]
"""The last byte of a head."""


@dataclass(frozen=True, slots=True)
class FastPath:
    """What the fast path needs. Made once for a configuration."""

    services: ProxyServices
    trusted: TrustedProxies
    new_id: Callable[[], str]
    read: RequestReader
    token: TokenFastPath | None = None
    """Takes requests for the token endpoint; None: aiohttp does."""

    def try_handle(self, data: bytes, client: ClientWriter) -> InFlightRequest | None:
        """Begins to answer the request that `data` is. None: it is left to aiohttp, and nothing was done.

        The answer may be out when this returns.
        """
        came = b""
        # Most requests are heads that have come before, with nothing behind them.
        cached = self.read.recent.get(data) if len(data) <= MAX_HEAD and data[-1] == _LINE_FEED else None
        if cached is None:
            token = self.token
            if token is not None and data.startswith(token.starts):
                return token.try_handle(data, client)
            end = data.find(b"\r\n\r\n") + 4
            cached, came = self.read(data[:end]), data[end:]
            if cached is None:
                return None
        # Nothing may follow the body, and a chunked one must be whole.
        length = cached.framing.length
        if length is None:
            body, missing = content_of(came), 0
        else:
            body, missing = came, length - len(came)
        if body is None or missing < 0:
            return None
        peer = client.peer
        if self.trusted.exist:
            peer = real_peer(peer, cached.head.headers, self.trusted)
        exchange = Exchange(cached.head_from(peer), cached.route, self.new_id())
        if cached.framing.last:
            client.close_after()
        if missing:
            upload = UploadRequest(self.services, exchange, client)
            client.await_body(missing, upload)
            upload.begin_upload(cached, body, missing)
            return upload
        request = ProxyRequest(self.services, exchange, client)
        request.begin(cached, body)
        return request
