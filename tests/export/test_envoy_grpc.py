from typing import Any

import pytest

from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy import EnvoyOptions, export_envoy
from gateway.export.envoy_clusters import cluster
from gateway.export.envoy_grpc import grpc_retry_policy, grpc_stream_limits
from tests.config.example import settings


def upstream(url: str = "http://127.0.0.1:50051", **changes: Any) -> UpstreamConfig:
    return UpstreamConfig.model_validate({"servers": [{"url": url}], "protocol": "grpc", **changes})


@pytest.mark.parametrize(
    ("deadline", "limits"),
    [
        (None, {"grpc_timeout_header_max": "0s"}),
        (60, {"grpc_timeout_header_max": "60s", "max_stream_duration": "60s"}),
    ],
)
def test_the_callers_timeout_is_kept_up_to_the_deadline(deadline: int | None, limits: dict[str, str]) -> None:
    assert grpc_stream_limits(upstream(timeouts={"deadline": deadline})) == limits


def test_only_calls_that_no_server_has_seen_are_sent_again() -> None:
    policy = grpc_retry_policy(upstream(retries={"attempts": 2, "on": ["connect", "reset", "503"]}))
    assert policy == {"retry_on": "connect-failure,refused-stream", "num_retries": 2}


def test_servers_are_called_by_http_2_and_checked_by_the_health_protocol() -> None:
    found = cluster("shop", upstream("https://shop.internal:50051", health={"headers": {"X-Probe": "1"}}))
    (options,) = found["typed_extension_protocol_options"].values()
    assert options["explicit_http_config"] == {"http2_protocol_options": {}}
    assert found["transport_socket"]["typed_config"]["common_tls_context"]["alpn_protocols"] == ["h2"]
    (check,) = found["health_checks"]
    assert check["grpc_health_check"] == {
        "initial_metadata": [{"header": {"key": "X-Probe", "value": "1"}}],
    }
    assert "http_health_check" not in check


def test_grpc_web_is_there_where_a_route_speaks_grpc() -> None:
    for protocol, expected in (("grpc", True), ("http", False)):
        found = export_envoy(
            settings(
                f"""
server: {{trusted_proxies: [127.0.0.1]}}
upstreams: {{shop: {{protocol: {protocol}, servers: [{{url: "http://127.0.0.1:50051"}}]}}}}
routes: [{{path: /shop.Orders, upstream: shop}}]
"""
            ),
            EnvoyOptions(("http://127.0.0.1:8280",)),
        )
        listener = found.bootstrap["static_resources"]["listeners"][0]
        filters = listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
        assert ("envoy.filters.http.grpc_web" in [one["name"] for one in filters]) is expected
