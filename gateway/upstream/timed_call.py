"""Requests to upstreams that note which server they went to, and how long it took.

Only upstreams that are asked to (`Upstream(timed=True)`) make their calls of these classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from gateway.http.exchange import ResponseHead
from gateway.upstream.authorized_call import AuthorizedCall
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.credentials import UpstreamCredentials
from gateway.upstream.load_balancer import LoadBalancer
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import ResponseHandler
from gateway.upstream.server import UpstreamServer
from gateway.upstream.upstream_call import UpstreamCall


@dataclass(slots=True)
class UpstreamTimes:
    """Of one request; of the last try, if there were several."""

    server: str | None = None
    """`http://host:port`; None: no server could be chosen."""
    began: float = 0.0
    """When the try began, by `perf_counter`."""
    connected: float | None = None
    """When it had a connection and was sent; None: it got none."""
    responded: float | None = None
    """When the head of the response was there; None: there was none."""
    tries: int = 0
    """How often it was sent to a server, or should have been."""

    @property
    def connect(self) -> float | None:
        """Seconds until there was a connection."""
        return None if self.connected is None else self.connected - self.began

    @property
    def response(self) -> float | None:
        """Seconds from sending the request to the head of the response."""
        if self.connected is None or self.responded is None:
            return None
        return self.responded - self.connected


class TimesKeeper(ABC):
    """A response handler that wants to know the times."""

    __slots__ = ()

    @abstractmethod
    def keep_times(self, times: UpstreamTimes) -> None:
        """The times of this request, filled in as it goes."""


class _Timed(UpstreamCall):
    """What both kinds of calls have in common."""

    __slots__ = ()
    if TYPE_CHECKING:
        times: UpstreamTimes

    def go_to(self, server: UpstreamServer) -> None:
        """Notes the server, then as without times."""
        times = self.times
        times.server, times.began = server.name, perf_counter()
        times.connected = times.responded = None
        times.tries += 1
        super().go_to(server)

    def on_connection(self, connection: UpstreamConnection) -> None:
        """Notes when, then as without times."""
        self.times.connected = perf_counter()
        super().on_connection(connection)

    def _note_response(self, head: ResponseHead) -> None:
        self.times.responded = perf_counter()
        super()._note_response(head)


class TimedCall(_Timed):
    """A request and its times."""

    __slots__ = ("times",)

    def __init__(self, balancer: LoadBalancer, handler: ResponseHandler, request: UpstreamRequest) -> None:
        self.times = _kept_by(handler)
        super().__init__(balancer, handler, request)


class TimedAuthorizedCall(_Timed, AuthorizedCall):
    """A request with credentials of the gateway, and its times."""

    __slots__ = ("times",)

    def __init__(
        self,
        balancer: LoadBalancer,
        handler: ResponseHandler,
        request: UpstreamRequest,
        credentials: UpstreamCredentials,
    ) -> None:
        self.times = _kept_by(handler)
        AuthorizedCall.__init__(self, balancer, handler, request, credentials)


def _kept_by(handler: ResponseHandler) -> UpstreamTimes:
    times = UpstreamTimes()
    if isinstance(handler, TimesKeeper):
        handler.keep_times(times)
    return times
