"""Which traces are recorded."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from gateway.config.otel import SamplerSettings
from gateway.http.trace_context import TraceParent
from gateway.otel.span import Span
from gateway.otel.tracer import Sampler, Tracer

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def no_span(_: Span) -> None:
    raise AssertionError("no span is finished here")


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 0.999, 1.0])
def test_the_ratio_decides_as_opentelemetrys_own_sampler_does(ratio: float) -> None:
    theirs, ours = TraceIdRatioBased(ratio), Sampler(SamplerSettings(ratio))
    for number in (1, 1 << 60, 1 << 63, (1 << 64) - 1, *range(0, 1 << 64, (1 << 64) // 997)):
        trace_id = (7 << 64) | number
        expected = theirs.should_sample(None, trace_id, "").decision.is_sampled()
        assert ours.sampled(f"{trace_id:032x}", None) is expected, number


@pytest.mark.parametrize("flags", [0, 1])
def test_the_caller_decides_where_it_may(flags: int) -> None:
    parent = TraceParent(TRACE, CALLER, flags)
    assert Sampler(SamplerSettings(0.0)).sampled(TRACE, parent) is bool(flags)
    assert Sampler(SamplerSettings(1.0)).sampled(TRACE, parent) is bool(flags)
    assert not Sampler(SamplerSettings(0.0, parent_based=False)).sampled(TRACE, parent)
    assert Sampler(SamplerSettings(1.0, parent_based=False)).sampled(TRACE, parent)


@pytest.mark.parametrize(("ratio", "flags"), [(1.0, "03"), (0.0, "02")])
def test_the_flag_of_a_random_id_is_passed_on(ratio: float, flags: str) -> None:
    tracer = Tracer(Sampler(SamplerSettings(ratio, parent_based=False)), no_span)
    headers = ((b"traceparent", f"00-{TRACE}-{CALLER}-03".encode()),)
    trace = tracer.begin(headers, "ab" * 16)
    assert trace.traceparent == f"00-{TRACE}-{CALLER}-{flags}"


@pytest.mark.parametrize("request_id", ["", "not hexadecimal", "0" * 32, "AB" * 16])
def test_a_request_id_that_can_be_no_trace_id_is_none(request_id: str) -> None:
    trace = Tracer(Sampler(SamplerSettings()), no_span).begin((), request_id)
    assert trace.trace_id != request_id
    assert len(trace.trace_id) == 32
    assert trace.sampled


def test_a_state_that_is_too_long_is_dropped() -> None:
    headers = (
        (b"traceparent", f"00-{TRACE}-{CALLER}-01".encode()),
        (b"tracestate", b"a=" + b"1" * 600),
    )
    assert Tracer(Sampler(SamplerSettings()), no_span).begin(headers, "").trace_state == ""
