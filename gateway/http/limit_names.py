"""The limits that end connections or refuse requests, by their keys in gateway.yaml."""

from __future__ import annotations

from typing import Final

CONNECTIONS: Final = "server.max_connections"
PER_ADDRESS: Final = "server.max_connections_per_address"
HEADER_TIMEOUT: Final = "server.timeouts.header"
BODY_TIMEOUT: Final = "server.timeouts.body"
IDLE: Final = "server.timeouts.idle"
MIN_RATE: Final = "server.min_rate"
HEAD: Final = "server.limits.head"
HEADERS: Final = "server.limits.headers"
TARGET: Final = "server.limits.target"
BODY: Final = "server.max_body"
LOOP_DELAY: Final = "server.max_event_loop_delay"
CONCURRENCY: Final = "adaptive_concurrency"
"""Of an upstream."""
BODY_OF_ROUTE: Final = "body_limit"
"""The plugin."""

ALL: Final = (
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
