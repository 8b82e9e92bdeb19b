"""Routes for tests."""

from typing import Any

from gateway.http.exchange import Header, RequestHead
from gateway.http.forwarded import direct_peer
from gateway.http.request_head import read_head
from gateway.http.route import Route
from gateway.http.route_target import route_segments
from gateway.proxy.pipeline import compile_pipeline


def route(path: str, **changes: Any) -> Route:
    """A route with the defaults of gateway.yaml."""
    values: dict[str, Any] = {
        "path": path,
        "segments": route_segments(path),
        "exact": False,
        "methods": (),
        "host": None,
        "upstream": None,
        "upstream_name": "orders",
        "strip": 0,
        "base_path": b"",
        "scopes": frozenset(),
        "scope_text": "",
        "audience": None,
        "protected": True,
        "forward_token": False,
        "end_with_token": False,
        "metadata_url": "https://g/m",
        "pipeline": compile_pipeline([]),
    }
    return Route(**(values | changes))


def request(path: str, method: str = "GET", host: str = "localhost", *headers: Header) -> RequestHead:
    """A request for a path."""
    peer = direct_peer("192.0.2.1", "https")
    return read_head(method, path.encode(), (1, 1), [(b"Host", host.encode()), *headers], peer)
