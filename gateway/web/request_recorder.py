"""Records every answered request: metrics, usage, and a line of the access log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.accounts.calls import CallLog
from gateway.accounts.usage import UsageCounter
from gateway.http.endpoints import VERIFY
from gateway.http.exchange import ERROR_CODE, Exchange, Header
from gateway.oauth.model import TokenInfo
from gateway.oauth_flows.client_request import ClientRequest
from gateway.oauth_flows.token import TokenRequestState
from gateway.telemetry import Telemetry
from gateway.telemetry.access_entry import DetailedEntry, Details, Entry
from gateway.upstream.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamSlow,
    UpstreamUnavailable,
)

log = logging.getLogger("gatepost")

CLIENT_DISCONNECTED: Final = 499
"""The status that is recorded where the client left before its response was complete; never sent."""


_KINDS: Final[dict[type[UpstreamError], str]] = {
    UpstreamBroken: "broken",
    UpstreamSlow: "slow",
    UpstreamOverloaded: "overloaded",
    UpstreamUnavailable: "unavailable",
}
_STATUSES: Final = {"broken": 502, "slow": 504, "overloaded": 503, "unavailable": 503}


def client_of(call: ClientRequest | None) -> str:
    """The client that an OAuth endpoint has authenticated; `-`: none."""
    client = getattr(call, "client", None)
    return "-" if client is None else str(client.id)


def failure_kind(error: UpstreamError) -> str:
    """Why an upstream gave no usable response, in one word."""
    return next((name for known, name in _KINDS.items() if isinstance(error, known)), "broken")


Note = Callable[[Entry | DetailedEntry], None]
"""Takes a line of the access log."""


@dataclass(slots=True)
class OtherFacts:
    """What is known of a request that no route took, beyond what every line has."""

    headers: Iterable[Header] = ()
    version: tuple[int, int] | None = None
    call: ClientRequest | None = None
    """What the steps of an OAuth endpoint have found out."""
    error: str = ""
    """The code with which it was refused; empty: it was not."""
    trace_id: str | None = None
    """Its trace, where traces are recorded."""


NOTHING: Final = OtherFacts()


def endpoint_details(facts: OtherFacts) -> Details:
    """What lines of the OAuth endpoints always have: the grant, and of a refusal its error and who it was
    that claimed to call."""
    call = facts.call
    if call is None:
        return ()
    grant = call.grant_type if isinstance(call, TokenRequestState) else "-"
    details: Details = () if grant == "-" else (("grant", grant),)
    proof = getattr(call, "proof", None)
    if proof is not None and getattr(call, "client", None) is None:
        details += (("claimed", proof.client_id),)
    return details if not facts.error else (*details, ("error", facts.error))


class RequestRecorder:
    """Each request is recorded once, however it ended."""

    __slots__ = ("_calls", "_note", "_tally", "telemetry")

    def __init__(
        self,
        telemetry: Telemetry,
        note: Note | None,
        tally: UsageCounter | None = None,
        calls: CallLog | None = None,
    ) -> None:
        """`tally` and `calls` hear of calls with a token."""
        self.telemetry = telemetry
        self._note = note
        self._tally = tally
        self._calls = calls

    def exchange(self, exchange: Exchange, status: int, size: int, seconds: float) -> None:
        """A request on a route was answered."""
        head, token, route = exchange.request, exchange.token, exchange.route.path
        method, client = head.method, "-" if token is None else token.client
        self.telemetry.request(route, method, status, seconds)
        if self._tally is not None and token is not None and token.source == "store":
            self._count(self._tally, token, exchange, status, seconds, own=exchange.response is None)
        if self._note is not None:
            address, request_id = head.peer.address, exchange.request_id
            self._note((address, method, head.path, status, size, seconds, route, client, request_id))

    def verification(self, exchange: Exchange, status: int, size: int, seconds: float) -> None:
        """A proxy was answered whether a request on a route may pass."""
        head, token, route = exchange.request, exchange.token, exchange.route.path
        if self._tally is not None and token is not None and token.source == "store":
            self._count(self._tally, token, exchange, status, seconds, own=True)
        self.other(
            f"{VERIFY} {route}",
            head.method,
            head.path,
            head.peer.address,
            exchange.request_id,
            status,
            size,
            seconds,
            "-" if token is None else token.client,
            OtherFacts(head.headers, head.client_version),
        )

    def _count(
        self,
        tally: UsageCounter,
        token: TokenInfo,
        exchange: Exchange,
        status: int,
        seconds: float,
        *,
        own: bool,
    ) -> None:
        """The call of a client of the store; no others are counted. `own`: the gateway answered."""
        tally.call(token, status, seconds, own=own)
        if self._calls is not None:
            reason = exchange.state.get(ERROR_CODE, "")
            path, request_id = exchange.route.path, exchange.request_id
            self._calls.note(token.client, exchange.request, path, status, reason, seconds, request_id)

    def upstream_failed(self, exchange: Exchange, error: UpstreamError) -> None:
        """An upstream gave no usable response, or broke off within one: counts it and logs the cause."""
        kind = failure_kind(error)
        upstream = exchange.route.upstream_name
        self.telemetry.upstream_failure(upstream, kind)
        if isinstance(error, UpstreamOverloaded):
            return  # thousands a second: its limit makes a line a second
        outcome = f"response is {_STATUSES[kind]}" if exchange.response is None else "response broken off"
        log.warning(
            "upstream failure: request %s, upstream %s, %s: %s",
            exchange.request_id,
            upstream,
            outcome,
            error.describe(),
        )

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
        client: str = "-",
        facts: OtherFacts = NOTHING,
    ) -> None:
        """A request was answered that no route took: by an endpoint of the gateway's own, or refused."""
        self.telemetry.request(route, method, status, seconds)
        if self._note is not None:
            entry = (address, method, path, status, size, seconds, route, client, request_id)
            details = self.other_details(facts)
            self._note(DetailedEntry(entry, details) if details else entry)

    def other_details(self, facts: OtherFacts) -> Details:
        """The further fields of a line for a request that no route took."""
        return endpoint_details(facts)
