"""What is noted of every answered request: counts, and a line of the access log."""

from __future__ import annotations

from collections.abc import Callable

from gateway.accounts.usage import Tally
from gateway.exchange import Exchange
from gateway.telemetry import Telemetry
from gateway.telemetry.entry import Entry
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow, UpstreamUnavailable

CALLER_LEFT = 499
"""Noted where the caller left before its answer was complete; never sent."""


_KINDS: dict[type[UpstreamError], str] = {
    UpstreamBroken: "broken",
    UpstreamSlow: "slow",
    UpstreamUnavailable: "unavailable",
}


Note = Callable[[Entry], None]
"""Keeps a line of the access log."""


class Ledger:
    """Where every request is entered once, however it ended."""

    __slots__ = ("_note", "_tally", "telemetry")

    def __init__(self, telemetry: Telemetry, note: Note | None, tally: Tally | None = None) -> None:
        self.telemetry = telemetry
        self._note = note
        self._tally = tally

    def exchange(self, exchange: Exchange, status: int, size: int, seconds: float) -> None:
        """A request on a route was answered."""
        head, caller, route = exchange.request, exchange.caller, exchange.route.path
        method, client = head.method, "-" if caller is None else caller.client
        self.telemetry.request(route, method, status, seconds)
        if self._tally is not None and caller is not None:
            self._tally.call(caller, status, seconds, own=exchange.response is None)
        if self._note is not None:
            address, request_id = head.peer.address, exchange.request_id
            self._note((address, method, head.path, status, size, seconds, route, client, request_id))

    def upstream_failed(self, exchange: Exchange, error: UpstreamError) -> None:
        """An upstream gave no usable answer."""
        self.telemetry.upstream_failure(exchange.route.upstream_name, _KINDS.get(type(error), "broken"))

    def other(
        self,
        route: str,
        method: str,
        path: bytes,
        address: str,
        request_id: str,
        status: int,
        size: int,
        seconds: float,
    ) -> None:
        """A request was answered that no route took: by an endpoint, or by a refusal."""
        self.telemetry.request(route, method, status, seconds)
        if self._note is not None:
            self._note((address, method, path, status, size, seconds, route, "-", request_id))
