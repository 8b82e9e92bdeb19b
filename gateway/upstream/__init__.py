"""Connections to upstreams: HTTP/1.1, kept alive, pooled, load-balanced, health-checked.

The core works by callbacks (`response_handler.ResponseHandler`) and makes no task or future for a request.
"""

from gateway.upstream.upstream import Upstream

__all__ = ["Upstream"]
