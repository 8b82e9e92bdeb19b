"""The outermost middlewares: a request is read strictly, and an error becomes a response."""

from __future__ import annotations

import asyncio
import random
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.exchange import Headers, Peer, RequestHead
from gateway.faults import Fault
from gateway.proxy.arrival import read_head
from gateway.proxy.forwarded import direct_peer, real_peer
from gateway.proxy.max_forwards import options_answer
from gateway.proxy.target import ASTERISK
from gateway.web.faults import Handler, http_fault, logged_fault
from gateway.web.sent import send_answer, send_fault

HEAD = web.RequestKey("head", RequestHead)
REQUEST_ID = web.RequestKey("request_id", str)
ANSWER_HEADERS = web.RequestKey("answer_headers", list)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is needed to read a request's head."""

    trusted: Callable[[str], bool]
    """Whether an address is one of `server.trusted_proxies`."""
    new_id: Callable[[], str]
    clock: Clock

    def read(self, request: web.BaseRequest) -> RequestHead:
        """The request's head, found to be unambiguous."""
        headers = list(request.raw_headers)
        peer = real_peer(connection_peer(request.transport), headers, self.trusted)
        target = request.raw_path.encode("utf-8", "surrogateescape")
        version = (request.version.major, request.version.minor)
        return read_head(request.method, target, version, headers, peer)


def connection_peer(transport: asyncio.BaseTransport | None) -> Peer:
    """Who holds the other end of a connection."""
    if transport is None:
        return direct_peer("", "http")
    name = transport.get_extra_info("peername")
    scheme = "http" if transport.get_extra_info("sslcontext") is None else "https"
    return direct_peer(name[0] if isinstance(name, tuple) else "", scheme, certificate_of(transport))


def certificate_of(transport: asyncio.BaseTransport) -> bytes | None:
    """The client's TLS certificate in DER, where it has one. TLS lets none in that it has not verified."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None or tls.context.verify_mode is ssl.CERT_NONE:
        return None
    certificate: bytes | None = tls.getpeercert(binary_form=True)
    return certificate


def arrival_middlewares(arrival: Arrival) -> list[Callable[..., object]]:
    """Faults outermost, so that no error escapes it; then the reading of the head."""

    @web.middleware
    async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = arrival.new_id()
        request[ANSWER_HEADERS] = []
        try:
            return await handler(request)
        except web.HTTPException as error:
            return await _answer(request, http_fault(error), arrival)
        except Exception as error:
            return await _answer(request, logged_fault(error), arrival)

    @web.middleware
    async def head(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[HEAD] = read = arrival.read(request)
        if read.target == ASTERISK:
            return await send_answer(request, options_answer(), [], arrival.clock())
        return await handler(request)

    return [faults, head]


async def _answer(request: web.Request, fault: Fault, arrival: Arrival) -> web.StreamResponse:
    extra: Headers = request[ANSWER_HEADERS]
    return await send_fault(request, fault, request[REQUEST_ID], extra, arrival.clock())


def new_request_id() -> Callable[[], str]:
    """Makes ids that differ between all requests, workers and gateways. They need not be secret."""
    source = random.Random(secrets.randbits(256))  # noqa: S311 (an id, not a secret)
    return lambda: source.getrandbits(128).to_bytes(16, "big").hex()
