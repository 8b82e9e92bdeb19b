"""The spans of one request, by OpenTelemetry's conventions for HTTP.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/

No query, header value, token or body is in them: what the access log does not show, they don't show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.http.exchange import ERROR_CODE, LOOKUP_TIMES, UPSTREAM_TIMES, Exchange
from gateway.oauth.model import OWN, OWN_ONLY
from gateway.otel.span import Span
from gateway.otel.tracer import RequestTrace
from gateway.telemetry.metrics import METHODS
from gateway.upstream.upstream_times import UpstreamTimes
from gateway.web.request_recorder import CLIENT_DISCONNECTED

_PORTS = {"http": 80, "https": 443}
_OTHER_METHOD = "_OTHER"
"""Stands for a method that is not in the conventions' list."""
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
UNKNOWN = "-"
"""As the access log has it: no route, no client, no method."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is known of every request that was answered."""

    method: str
    path: bytes
    """Without the query."""
    status: int
    size: int
    """Bytes of the response's body."""
    route: str
    client: str
    request_id: str
    address: str
    scheme: str = ""
    host: str = ""
    version: tuple[int, int] | None = None
    error: str = ""
    """The code with which the gateway refused it; empty: it did not."""


def server_span(trace: RequestTrace, facts: RequestFacts, start: float, end: float) -> Span:
    """The span of the request itself."""
    known = facts.method in METHODS
    method = facts.method if known else _OTHER_METHOD
    attributes: dict[str, Any] = {"http.request.method": method}
    if not known and facts.method != UNKNOWN:
        attributes["http.request.method_original"] = facts.method
    attributes |= _named(
        ("url.path", facts.path.decode("latin-1")),
        ("url.scheme", facts.scheme),
        ("http.route", facts.route),
        ("client.address", facts.address),
        ("gatepost.client", facts.client),
        ("gatepost.request_id", facts.request_id),
        ("gatepost.error", facts.error),
    )
    if facts.version is not None:
        attributes["network.protocol.version"] = f"{facts.version[0]}.{facts.version[1]}"
    attributes |= _server(facts.host, facts.scheme)
    attributes["http.response.body.size"] = facts.size
    name = method if known else "HTTP"
    if facts.route != UNKNOWN:
        name += f" {facts.route}"
    return Span(
        name,
        "server",
        trace.trace_id,
        trace.span_id,
        trace.parent_id,
        start,
        end,
        attributes | _outcome(facts.status),
        "" if facts.status >= _SERVER_ERROR else None,
        remote_parent=bool(trace.parent_id),
        trace_state=trace.trace_state,
    )


def _outcome(status: int) -> dict[str, Any]:
    """Of a response that was never sent the conventions want no status code."""
    if status == CLIENT_DISCONNECTED:
        return {"error.type": "client_disconnected"}
    attributes: dict[str, Any] = {"http.response.status_code": status}
    return attributes | {"error.type": str(status)} if status >= _SERVER_ERROR else attributes


def child_spans(
    trace: RequestTrace, exchange: Exchange, new_id: Callable[[], str], clock_offset: float, end: float
) -> Iterator[Span]:
    """The spans below that of a request on a route.

    Args:
        trace: its trace.
        exchange: the request.
        new_id: makes ids of spans.
        clock_offset: seconds since the epoch minus `perf_counter`.
        end: when the response was out, in seconds since the epoch.
    """
    if trace.began is not None:
        check_id = new_id()
        let_in = trace.authorized is not None
        done = end if trace.authorized is None else clock_offset + trace.authorized
        yield Span(
            "authorize",
            "internal",
            trace.trace_id,
            check_id,
            trace.span_id,
            clock_offset + trace.began,
            done,
            _named(("gatepost.error", "" if let_in else str(exchange.state.get(ERROR_CODE, "")))),
            trace_state=trace.trace_state,
        )
        lookup: tuple[float, float] | None = exchange.state.get(LOOKUP_TIMES)
        if lookup is not None:
            began, ended = (clock_offset + at for at in lookup)
            yield _lookup_span(trace, exchange, (new_id(), check_id), began, ended)
    times = exchange.state.get(UPSTREAM_TIMES)
    if trace.upstream_id and isinstance(times, UpstreamTimes) and times.server is not None:
        yield _upstream_span(trace, exchange, times, clock_offset + times.began, end)


def _lookup_span(
    trace: RequestTrace, exchange: Exchange, ids: tuple[str, str], start: float, end: float
) -> Span:
    """The question about a token, to the own store or another issuer. `ids`: its own and its parent's."""
    token = exchange.token
    in_store = exchange.route.issuers == OWN_ONLY if token is None else token.issuer == OWN
    attributes = {"db.system.name": "redis"} if in_store else {}
    return Span(
        "find token", "client", trace.trace_id, *ids, start, end, attributes, trace_state=trace.trace_state
    )


def _upstream_span(
    trace: RequestTrace, exchange: Exchange, times: UpstreamTimes, start: float, end: float
) -> Span:
    """The request to the upstream; of several tries the last one."""
    forward, response = exchange.forward, exchange.response
    method = exchange.request.method if forward is None else forward.method
    path = b"" if forward is None else forward.target.partition(b"?")[0]
    attributes: dict[str, Any] = {
        "http.request.method": method,
        "url.full": f"{times.server}{path.decode('latin-1')}",
        "gatepost.upstream": exchange.route.upstream_name,
        **_upstream_server(times.server or ""),
    }
    error = None
    if response is not None:
        attributes["http.response.status_code"] = response.status
        attributes["network.protocol.version"] = f"{response.version[0]}.{response.version[1]}"
        if response.status >= _CLIENT_ERROR:
            attributes["error.type"], error = str(response.status), ""
    if trace.upstream_error is not None:
        attributes["error.type"], error = trace.upstream_error
    if times.tries > 1:
        attributes["http.request.resend_count"] = times.tries - 1
    return Span(
        method,
        "client",
        trace.trace_id,
        trace.upstream_id,
        trace.span_id,
        start,
        end,
        attributes,
        error,
        trace_state=trace.trace_state,
    )


def _upstream_server(url: str) -> dict[str, Any]:
    """`times.server` is a URL with a port, or a Unix socket."""
    if not url.startswith(("http://", "https://")):
        return {"server.address": url.removeprefix("unix:")}
    parts = urlsplit(url)
    return _server(parts.netloc, parts.scheme)


def _server(host: str, scheme: str) -> dict[str, Any]:
    """Where a request went: a host, with its port if there is one."""
    if not host:
        return {}
    name, colon, port = host.rpartition(":")
    if colon and port.isascii() and port.isdigit():
        return {"server.address": name.strip("[]"), "server.port": int(port)}
    found: dict[str, Any] = {"server.address": host.strip("[]")}
    return found | {"server.port": _PORTS[scheme]} if scheme in _PORTS else found


def _named(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value and value != UNKNOWN}
