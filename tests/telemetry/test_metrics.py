"""What is counted is what Prometheus reads."""

import pytest

from gateway.telemetry import Telemetry, metrics, process_telemetry
from gateway.telemetry.snapshot import BUCKETS


def lines(telemetry: Telemetry) -> list[str]:
    return telemetry.render()[0].decode().splitlines()


def test_a_request_is_counted_by_route_method_and_status() -> None:
    telemetry = Telemetry()
    telemetry.request("/orders", "GET", 200, 0.004)
    telemetry.request("/orders", "GET", 200, 0.004)
    telemetry.request("-", "POST", 404, 0.001)

    text = lines(telemetry)

    assert 'gatepost_requests_total{method="GET",route="/orders",status="200"} 2.0' in text
    assert 'gatepost_requests_total{method="POST",route="-",status="404"} 1.0' in text


def test_a_method_nobody_knows_adds_no_label_of_its_own() -> None:
    telemetry = Telemetry()
    telemetry.request("-", "BREW", 501, 0.001)
    telemetry.request("-", "STEEP", 501, 0.001)
    assert 'gatepost_requests_total{method="OTHER",route="-",status="501"} 2.0' in lines(telemetry)


def test_durations_fall_into_buckets_that_add_up() -> None:
    telemetry = Telemetry()
    for seconds in (0.001, 0.004, 0.2, 99.0):
        telemetry.request("/orders", "GET", 200, seconds)

    name = "gatepost_request_duration_seconds"
    text = lines(telemetry)

    assert f'{name}_bucket{{le="0.001",route="/orders"}} 1.0' in text, "a bound belongs to its bucket"
    assert f'{name}_bucket{{le="0.005",route="/orders"}} 2.0' in text
    assert f'{name}_bucket{{le="0.25",route="/orders"}} 3.0' in text
    assert f'{name}_bucket{{le="30.0",route="/orders"}} 3.0' in text
    assert f'{name}_bucket{{le="+Inf",route="/orders"}} 4.0' in text
    assert f'{name}_count{{route="/orders"}} 4.0' in text
    assert f'{name}_sum{{route="/orders"}} 99.205' in text


def test_tokens_store_calls_and_upstream_failures_are_counted() -> None:
    telemetry = Telemetry()
    telemetry.token("client_credentials", "issued")
    telemetry.on_store_command("GET", 0.0002, False)
    telemetry.on_store_command("GET", 9.0, True)
    telemetry.upstream_failure("orders", "slow")

    text = lines(telemetry)

    assert 'gatepost_tokens_total{grant="client_credentials",outcome="issued"} 1.0' in text
    assert 'gatepost_store_calls_total{command="get",outcome="ok"} 1.0' in text
    assert 'gatepost_store_calls_total{command="get",outcome="failed"} 1.0' in text
    assert 'gatepost_store_call_duration_seconds_count{command="get"} 2.0' in text
    assert 'gatepost_store_call_duration_seconds_bucket{command="get",le="0.00025"} 1.0' in text
    assert 'gatepost_upstream_failures_total{kind="slow",upstream="orders"} 1.0' in text


def test_what_is_in_flight_and_what_is_running_are_shown() -> None:
    telemetry = Telemetry()
    telemetry.in_flight += 1
    text = lines(telemetry)
    assert "gatepost_requests_in_flight 1.0" in text
    assert "gatepost_workers 1.0" in text
    assert any(line.startswith("gatepost_build_info{") and 'version="' in line for line in text)


def test_a_quoted_route_stays_one_line() -> None:
    telemetry = Telemetry()
    telemetry.request('/a"\n\\', "GET", 200, 0.1)
    assert r'gatepost_requests_total{method="GET",route="/a\"\n\\",status="200"} 1.0' in lines(telemetry)


def test_labels_are_bounded_whatever_the_callers_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_SERIES", 3)
    telemetry = Telemetry()
    for number in range(50):
        telemetry.token(f"grant-{number}", "issued")
        telemetry.request(f"/{number}", "GET", 200, 0.1)

    snapshot = telemetry.snapshot()

    assert len(snapshot.counts["tokens"]) == 4
    assert snapshot.counts["tokens"]["OTHER", "OTHER"] == 47
    assert snapshot.timings["request_duration"]["OTHER",][-1] == pytest.approx(4.7)


def test_the_content_type_is_prometheus_own() -> None:
    assert Telemetry().render()[1].startswith("text/plain; version=")


def test_one_process_has_one_telemetry() -> None:
    assert process_telemetry() is process_telemetry()


@pytest.mark.parametrize("family", sorted(BUCKETS))
def test_bucket_bounds_rise(family: str) -> None:
    assert list(BUCKETS[family]) == sorted(set(BUCKETS[family]))
