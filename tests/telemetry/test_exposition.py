"""The text is what Prometheus' own parser understands."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry import Telemetry
from gateway.telemetry.exposition import exposition


def test_every_family_is_named_even_before_anything_happened() -> None:
    text, _ = exposition(Telemetry().snapshot())
    names = {family.name for family in text_string_to_metric_families(text.decode())}
    assert names >= {
        "gatepost_requests",
        "gatepost_request_duration_seconds",
        "gatepost_tokens",
        "gatepost_store_calls",
        "gatepost_store_call_duration_seconds",
        "gatepost_upstream_failures",
        "gatepost_requests_in_flight",
        "gatepost_workers",
        "gatepost_build_info",
    }


def test_counters_and_histograms_have_the_right_types() -> None:
    telemetry = Telemetry()
    telemetry.request("/orders", "GET", 200, 0.01)
    text, _ = exposition(telemetry.snapshot())
    types = {family.name: family.type for family in text_string_to_metric_families(text.decode())}
    assert types["gatepost_requests"] == "counter"
    assert types["gatepost_request_duration_seconds"] == "histogram"
    assert types["gatepost_requests_in_flight"] == "gauge"


def test_gauges_are_read_when_they_are_asked_for() -> None:
    telemetry = Telemetry()
    telemetry.gauges = lambda: {"upstream_healthy": {("orders", "http://a:1"): 0.0}}
    text, _ = exposition(telemetry.snapshot())
    assert b'gatepost_upstream_healthy{server="http://a:1",upstream="orders"} 0.0' in text
