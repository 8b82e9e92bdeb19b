"""Hooks of every route, where traces are recorded: when a client is let in, and what the upstream gets."""

from __future__ import annotations

from time import perf_counter

from gateway.clock import system_clock
from gateway.http.exchange import Exchange
from gateway.otel.tracer import Tracer
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin


class TraceAuthorization(ProxyPlugin):
    """The last of `on_request`: behind it comes the token."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(PluginConfig(), PluginContext(system_clock))
        self._tracer = tracer

    def on_request(self, exchange: Exchange) -> None:
        """Notes when the client's right to call begins to be checked."""
        trace = self._tracer.of(exchange)
        if trace.sampled and exchange.route.protected:
            trace.began = perf_counter()


class TracePropagation(ProxyPlugin):
    """The first of `on_authorized` and `on_forward`."""

    # Of a request that another proxy forwards, that proxy is the one who calls the upstream.
    replaces_upstream = True

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(PluginConfig(), PluginContext(system_clock))
        self._tracer = tracer

    def on_authorized(self, exchange: Exchange) -> None:
        """Notes when the client was let in."""
        trace = self._tracer.of(exchange)
        if trace.sampled:
            trace.authorized = perf_counter()

    def on_forward(self, exchange: Exchange) -> None:
        """The upstream continues the trace as a child of the span of this call (W3C Trace Context, 3.4)."""
        trace, forward = self._tracer.of(exchange), exchange.forward
        if forward is None:
            return
        if trace.sampled:
            trace.upstream_id = self._tracer.new_span_id()
        forward.set("traceparent", trace.traceparent)
        if not trace.trace_state:
            forward.remove("tracestate")
