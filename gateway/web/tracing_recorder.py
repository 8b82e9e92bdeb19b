"""The recorder where traces are recorded: whatever another one does, and the spans of the request."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from gateway.clock import Clock
from gateway.http.endpoints import VERIFY
from gateway.http.exchange import ERROR_CODE, Exchange
from gateway.otel.tracer import RequestTrace, Tracer
from gateway.upstream.errors import UpstreamError
from gateway.web.request_recorder import NOTHING, OtherFacts, RequestRecorder, failure_kind
from gateway.web.request_spans import UNKNOWN, RequestFacts, child_spans, server_span


class TracingRecorder(RequestRecorder):
    """Spans are made when a request is over, of those that are sampled only."""

    __slots__ = ("_clock", "_recorder", "_tracer")

    def __init__(self, recorder: RequestRecorder, tracer: Tracer, clock: Clock) -> None:
        super().__init__(recorder.telemetry, None)
        self._recorder = recorder
        self._tracer = tracer
        self._clock = clock

    def exchange(self, exchange: Exchange, status: int, size: int, seconds: float) -> None:
        """A request on a route was answered."""
        self._tracer.current = trace = self._tracer.of(exchange)
        self._recorder.exchange(exchange, status, size, seconds)
        if trace.sampled:
            self._finish(trace, exchange, exchange.route.path, status, size, seconds)

    def verification(self, exchange: Exchange, status: int, size: int, seconds: float) -> None:
        """A proxy was answered whether a request on a route may pass."""
        self._tracer.current = trace = self._tracer.of(exchange)
        self._recorder.verification(exchange, status, size, seconds)
        if trace.sampled:
            self._finish(trace, exchange, f"{VERIFY} {exchange.route.path}", status, size, seconds)

    def _finish(
        self, trace: RequestTrace, exchange: Exchange, route: str, status: int, size: int, seconds: float
    ) -> None:
        end, head = self._clock(), exchange.request
        facts = RequestFacts(
            head.method,
            head.path,
            status,
            size,
            route,
            UNKNOWN if exchange.token is None else exchange.token.client,
            exchange.request_id,
            head.peer.address,
            head.peer.scheme,
            head.host,
            head.version,
            str(exchange.state.get(ERROR_CODE, "")),
        )
        offset = end - perf_counter()
        children = child_spans(trace, exchange, self._tracer.new_span_id, offset, end)
        # `seconds` was measured a moment ago: without this the first child could begin before its parent.
        start = end - seconds
        for span in children:
            start = min(start, span.start)
            self._tracer.finished(span)
        self._tracer.finished(server_span(trace, facts, start, end))

    def upstream_failed(self, exchange: Exchange, error: UpstreamError) -> None:
        """An upstream gave no usable response, or broke off within one."""
        self._recorder.upstream_failed(exchange, error)
        self._tracer.of(exchange).upstream_error = (failure_kind(error), str(error))

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
        client: str = UNKNOWN,
        facts: OtherFacts = NOTHING,
    ) -> None:
        """A request was answered that no route took."""
        self._tracer.current = trace = self._tracer.begin(tuple(facts.headers), request_id)
        known = replace(facts, trace_id=trace.trace_id)
        self._recorder.other(route, method, path, address, request_id, status, size, seconds, client, known)
        if not trace.sampled:
            return
        end = self._clock()
        shown = RequestFacts(
            method,
            path,
            status,
            size,
            route,
            client,
            request_id,
            address,
            version=facts.version,
            error=facts.error,
        )
        self._tracer.finished(server_span(trace, shown, end - seconds, end))
