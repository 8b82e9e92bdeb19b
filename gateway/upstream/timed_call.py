"""Requests to upstreams that note which server they went to, and how long it took.

Only upstreams that are asked to (`Upstream(timed=True)`) make their calls of these classes.
"""

from __future__ import annotations

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
from gateway.upstream.upstream_times import TimesKeeper, UpstreamTimes


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
