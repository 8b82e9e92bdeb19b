"""The limits that end connections or refuse requests, by their keys in gateway.yaml."""

from __future__ import annotations

CONNECTIONS = "server.max_connections"
PER_ADDRESS = "server.max_connections_per_address"
HEADER_TIMEOUT = "server.timeouts.header"
BODY_TIMEOUT = "server.timeouts.body"
IDLE = "server.timeouts.idle"
MIN_RATE = "server.min_rate"
HEAD = "server.limits.head"
HEADERS = "server.limits.headers"
TARGET = "server.limits.target"
BODY = "server.max_body"
LOOP_DELAY = "server.max_event_loop_delay"
CONCURRENCY = "adaptive_concurrency"
"""Of an upstream."""
BODY_OF_ROUTE = "body_limit"
"""The plugin."""

ALL = (
    CONNECTIONS,
    PER_ADDRESS,
    HEADER_TIMEOUT,
    BODY_TIMEOUT,
    IDLE,
    MIN_RATE,
    HEAD,
    HEADERS,
    TARGET,
    BODY,
    LOOP_DELAY,
    CONCURRENCY,
    BODY_OF_ROUTE,
)
