"""What Envoy does otherwise for upstreams that speak gRPC, and for callers of gRPC-Web."""

from __future__ import annotations

from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy_clusters import TYPE, Json, duration


def grpc_stream_limits(upstream: UpstreamConfig) -> Json:
    """How long a call may take: as its `grpc-timeout` says, and no longer than the upstream's deadline."""
    deadline = upstream.timeouts.deadline
    if deadline is None:
        return {"grpc_timeout_header_max": "0s"}
    return {"grpc_timeout_header_max": duration(deadline), "max_stream_duration": duration(deadline)}


def grpc_retry_policy(upstream: UpstreamConfig) -> Json:
    """Only where the server has not seen the call: nothing is known of what it does."""
    return {"retry_on": "connect-failure,refused-stream", "num_retries": upstream.retries.attempts}


def grpc_web_filter() -> Json:
    """Callers of gRPC-Web call as those of gRPC do."""
    config = {"@type": f"{TYPE}.filters.http.grpc_web.v3.GrpcWeb"}
    return {"name": "envoy.filters.http.grpc_web", "typed_config": config}
