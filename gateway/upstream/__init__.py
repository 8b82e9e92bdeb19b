"""Connections to the upstreams: HTTP/1.1 over sockets, kept alive, pooled, balanced and watched.

The core works by callbacks (`sink.Sink`) and makes no task or future for a request; `stream` is the
face for callers that await.
"""

from gateway.upstream.upstream import Upstream

__all__ = ["Upstream"]
