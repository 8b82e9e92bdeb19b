"""The connection that a request came on, as those see it who answer the request with aiohttp."""

from __future__ import annotations

from typing import Protocol, cast

from aiohttp import web

from gateway.http.exchange import Peer
from gateway.http.problems import Problem
from gateway.server.in_flight import FlowControlled, ResponseClient
from gateway.server.tunnel import TunnelRelay


class ClientConnection(ResponseClient, Protocol):
    """A client connection. aiohttp's handler works for it."""

    @property
    def peer(self) -> Peer:
        """Who holds its other end."""

    @property
    def connected(self) -> bool:
        """Whether anything can still be sent."""

    async def drain(self) -> None:
        """Waits until the client has taken most of what was written. ConnectionResetError: it is gone."""

    def pause(self) -> None:
        """Stops reading for now."""

    def resume(self) -> None:
        """Reads on."""

    def write_end(self) -> bool:
        """Says that no more bytes follow. False: the connection can't (TLS)."""

    def control_flow_of(self, response: FlowControlled | None) -> None:
        """From now on `response` is paused and resumed as the client takes it; None: nothing is."""

    def become_tunnel(self, tunnel: TunnelRelay) -> None:
        """From here on the client's bytes are no HTTP."""

    def refuse(self, problem: Problem) -> None:
        """Answers what can't be read as a request."""

    def request_started(self) -> None:
        """aiohttp begins to answer a request."""

    def response_sent(self, request: web.BaseRequest, *, keep: bool) -> None:
        """The response is out; `keep`: aiohttp would answer another request."""


class _HasConnection(Protocol):
    connection: ClientConnection


def connection_of(request: web.BaseRequest) -> ClientConnection:
    """The connection that a request came on."""
    return cast(_HasConnection, request.protocol).connection
