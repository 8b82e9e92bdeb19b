"""The recorder where `logging.fields` names further fields: each line has all of them, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from gateway.accounts.calls import CallLog
from gateway.accounts.usage import UsageCounter
from gateway.http.exchange import ERROR_CODE, TRACE, UPSTREAM_TIMES, Exchange, Header, header_values
from gateway.http.trace_context import read_traceparent
from gateway.oauth.bearer import AuthError
from gateway.oauth_flows.client_request import ClientRequest
from gateway.oauth_flows.token import TokenRequestState
from gateway.proxy.request_tokens import presented_credentials
from gateway.telemetry import Telemetry
from gateway.telemetry.access_entry import DetailedEntry, Details, Entry
from gateway.upstream.upstream_times import UpstreamTimes
from gateway.web.request_recorder import Note, OtherFacts, RequestRecorder, endpoint_details

_TOKEN_ID_LENGTH: Final = 16
_NO_TIMES: Final = UpstreamTimes()

Value = str | float | None


def token_id(token: str) -> str:
    """A name for a token from which nobody gets the token: the start of its SHA-256, in hexadecimal."""
    return sha256(token.encode()).hexdigest()[:_TOKEN_ID_LENGTH]


def trace_id(values: Sequence[bytes]) -> str | None:
    """The trace that the one `traceparent` header names; None: there is none, or it is not valid."""
    parent = read_traceparent(values)
    return None if parent is None else parent.trace_id


def _header(headers: Iterable[Header], name: bytes) -> str | None:
    values = header_values(headers, name)
    return values[0].decode("latin-1") if values else None


def _protocol(version: tuple[int, int] | None) -> str | None:
    if version is None:
        return None
    # RFC 9110 section 2.5: HTTP/2 and later have no minor version.
    return f"HTTP/{version[0]}" if version[0] > 1 else f"HTTP/{version[0]}.{version[1]}"


def _times(exchange: Exchange) -> UpstreamTimes:
    times = exchange.state.get(UPSTREAM_TIMES)
    return times if isinstance(times, UpstreamTimes) else _NO_TIMES


def _trace(exchange: Exchange) -> str | None:
    """That which is recorded, or else that which went upstream: a plugin may have begun it."""
    recorded = exchange.state.get(TRACE)
    if recorded is not None:
        return str(recorded.trace_id)
    sent = exchange.request if exchange.forward is None else exchange.forward
    return trace_id(sent.values(b"traceparent"))


def _shown_token(exchange: Exchange) -> str | None:
    if exchange.token is None:
        return None
    shown = presented_credentials(exchange.request, exchange.route)
    return None if isinstance(shown, AuthError) else token_id(shown.token)


def _issued_token(call: ClientRequest | None) -> str | None:
    # Not set while nothing has been issued.
    answer = getattr(call, "answer", None) if isinstance(call, TokenRequestState) else None
    return None if answer is None else token_id(answer.access_token)


_OF_ROUTES: Final[Mapping[str, Callable[[Exchange], Value]]] = {
    "agent": lambda exchange: exchange.request.header("user-agent"),
    "host": lambda exchange: exchange.request.host or None,
    "protocol": lambda exchange: _protocol(exchange.request.client_version),
    "upstream": lambda exchange: _times(exchange).server,
    "upstream_connect": lambda exchange: _rounded(_times(exchange).connect),
    "upstream_response": lambda exchange: _rounded(_times(exchange).response),
    "error": lambda exchange: exchange.state.get(ERROR_CODE),
    "trace_id": _trace,
    "token_id": _shown_token,
}
_OF_OTHERS: Final[Mapping[str, Callable[[OtherFacts], Value]]] = {
    "agent": lambda facts: _header(facts.headers, b"user-agent"),
    "host": lambda facts: _header(facts.headers, b"host"),
    "protocol": lambda facts: _protocol(facts.version),
    "error": lambda facts: facts.error or None,
    "trace_id": lambda facts: facts.trace_id or trace_id(header_values(facts.headers, b"traceparent")),
    "token_id": lambda facts: _issued_token(facts.call),
}


def _unknown(_facts: OtherFacts) -> None:
    """What only requests on routes have."""


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


class DetailedRecorder(RequestRecorder):
    """Counts as the plain one. Its lines have further fields."""

    __slots__ = ("_details", "_fields", "_write")

    def __init__(
        self,
        telemetry: Telemetry,
        note: Note,
        tally: UsageCounter | None,
        fields: Sequence[str],
        calls: CallLog | None = None,
    ) -> None:
        super().__init__(telemetry, self._add_details, tally, calls)
        self._write = note
        self._details: Details = ()
        self._fields = tuple(dict.fromkeys(fields))

    def exchange(self, exchange: Exchange, status: int, size: int, seconds: float) -> None:
        """A request on a route was answered."""
        self._details = tuple((name, _OF_ROUTES[name](exchange)) for name in self._fields)
        super().exchange(exchange, status, size, seconds)

    def _add_details(self, entry: Entry | DetailedEntry) -> None:
        """Those of a request that no route took are there already."""
        self._write(entry if isinstance(entry, DetailedEntry) else DetailedEntry(entry, self._details))

    def other_details(self, facts: OtherFacts) -> Details:
        """The chosen fields, then those that an OAuth endpoint always has."""
        chosen = {name: _OF_OTHERS.get(name, _unknown)(facts) for name in self._fields}
        always = {name: value for name, value in endpoint_details(facts) if name not in chosen}
        return (*chosen.items(), *always.items())


def request_recorder(
    telemetry: Telemetry,
    note: Note | None,
    tally: UsageCounter | None,
    fields: Sequence[str],
    calls: CallLog | None = None,
) -> RequestRecorder:
    """The plain recorder, unless further fields are wanted."""
    if note is None or not fields:
        return RequestRecorder(telemetry, note, tally, calls)
    return DetailedRecorder(telemetry, note, tally, fields, calls)
