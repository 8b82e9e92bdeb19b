"""What Envoy's HTTP codecs do: pass everything on as it came, within bounds."""

from __future__ import annotations

from gateway.export.envoy_clusters import TYPE, Json

BUFFER = 65_536
"""Bytes that Envoy holds for a connection or a stream before it reads no more from the other side."""
MAX_STREAMS = 100
"""Concurrent requests on one connection (RFC 9113 section 6.5.2: no fewer than 100)."""
_STREAM_WINDOW, _CONNECTION_WINDOW = 262_144, 1_048_576
"""Bytes that a client may send before they are taken."""

HTTP_1_OPTIONS: Json = {
    "enable_trailers": True,
    "header_key_format": {
        "stateful_formatter": {
            "name": "preserve_case",
            "typed_config": {
                "@type": f"{TYPE}.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
                "forward_reason_phrase": True,
            },
        }
    },
}
"""Names and reason phrases keep their case."""

HTTP_2_OPTIONS: Json = {
    "max_concurrent_streams": MAX_STREAMS,
    "initial_stream_window_size": _STREAM_WINDOW,
    "initial_connection_window_size": _CONNECTION_WINDOW,
    # RFC 8441: WebSockets.
    "allow_connect": True,
    # RFC 9113 section 8.1.1: a malformed request ends its stream, not the others beside it.
    "override_stream_error_on_invalid_http_message": True,
}

HTTP_3_OPTIONS: Json = {
    "quic_protocol_options": {
        "max_concurrent_streams": MAX_STREAMS,
        "initial_stream_window_size": _STREAM_WINDOW,
        "initial_connection_window_size": _CONNECTION_WINDOW,
    },
    # RFC 9220: WebSockets.
    "allow_extended_connect": True,
    "override_stream_error_on_invalid_http_message": True,
}
