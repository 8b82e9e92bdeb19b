"""Begins traces, or continues those of callers, and decides which are recorded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.config.otel import SamplerSettings
from gateway.http.exchange import TRACE, Exchange, Header, header_values
from gateway.http.trace_context import (
    MAX_TRACESTATE,
    RANDOM,
    SAMPLED,
    TraceParent,
    format_traceparent,
    read_traceparent,
)
from gateway.otel.span import Span
from gateway.runtime.hex_ids import hex_ids

_HEX_ID = re.compile(r"[0-9a-f]{32}\Z")
_LIMIT = 1 << 64
TRACEPARENT, TRACESTATE = b"traceparent", b"tracestate"


class RequestTrace:
    """The trace of one request, and what its spans will be made of."""

    __slots__ = (
        "authorized",
        "began",
        "flags",
        "parent_id",
        "span_id",
        "trace_id",
        "trace_state",
        "upstream_error",
        "upstream_id",
    )

    def __init__(self, trace_id: str, span_id: str, flags: int) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        """The span of the request itself."""
        self.flags = flags
        self.parent_id = ""
        """The caller's span; empty: the trace begins here."""
        self.trace_state = ""
        self.upstream_id = ""
        """The span of the request to the upstream; empty: there was none."""
        self.upstream_error: tuple[str, str] | None = None
        """Why the upstream gave no response: in one word, and in words."""
        self.began: float | None = None
        """When it was asked whether the client may call, by `perf_counter`; None: it was not."""
        self.authorized: float | None = None
        """When the client was let in; None: it was not."""

    @property
    def sampled(self) -> bool:
        """Whether it is recorded."""
        return bool(self.flags & SAMPLED)

    @property
    def traceparent(self) -> str:
        """What the upstream gets: it continues the last span that is recorded."""
        return format_traceparent(
            self.trace_id, self.upstream_id or self.parent_id or self.span_id, self.flags
        )


@dataclass(frozen=True, slots=True)
class Sampler:
    """Decides as the samplers of OpenTelemetry's SDKs do, so that all services of a trace agree."""

    settings: SamplerSettings

    def sampled(self, trace_id: str, parent: TraceParent | None) -> bool:
        """Whether a trace is recorded. `parent`: what the caller says of it."""
        if parent is not None and self.settings.parent_based:
            return parent.sampled
        return int(trace_id[16:], 16) < round(self.settings.ratio * _LIMIT)


class Tracer:
    """Makes the traces of requests, and hands on finished spans."""

    def __init__(self, sampler: Sampler, finished: Callable[[Span], None]) -> None:
        self._sampler = sampler
        self.finished = finished
        """Takes a span, and returns at once."""
        self.current: RequestTrace | None = None
        """The trace of the request that is being recorded in the access log."""
        self.new_span_id = hex_ids(8)
        """Makes an id for a span."""
        self._new_id = hex_ids(16)

    def of(self, exchange: Exchange) -> RequestTrace:
        """The trace of a request, begun where it has none yet."""
        trace: RequestTrace | None = exchange.state.get(TRACE)
        if trace is None:
            request = exchange.request
            exchange.state[TRACE] = trace = self._begin(
                request.values(TRACEPARENT), request.values(TRACESTATE), exchange.request_id
            )
        return trace

    def begin(self, headers: tuple[Header, ...], request_id: str) -> RequestTrace:
        """The trace of a request with these headers."""
        values = header_values(headers, TRACEPARENT)
        return self._begin(tuple(values), tuple(header_values(headers, TRACESTATE)), request_id)

    def _begin(
        self, traceparents: tuple[bytes, ...], states: tuple[bytes, ...], request_id: str
    ) -> RequestTrace:
        parent = read_traceparent(traceparents) if traceparents else None
        trace_id = self._new_trace_id(request_id) if parent is None else parent.trace_id
        flags = SAMPLED if self._sampler.sampled(trace_id, parent) else 0
        trace = RequestTrace(trace_id, self.new_span_id(), flags)
        if parent is not None:
            trace.flags |= parent.flags & RANDOM
            trace.parent_id = parent.parent_id
            state = b",".join(states)
            if len(state) <= MAX_TRACESTATE:
                trace.trace_state = state.decode("latin-1")
        return trace

    def _new_trace_id(self, request_id: str) -> str:
        """The request's own id, where that can be one: then it is found by either."""
        if _HEX_ID.match(request_id) and request_id.strip("0"):
            return request_id
        return self._new_id()
