"""What Envoy answers itself, in the form of the gateway's own problems (RFC 9457)."""

from __future__ import annotations

import json

from gateway.config.model import Settings
from gateway.edge.grpc import grpc_replies
from gateway.export.envoy_clusters import Json

TITLES = {
    400: "Bad request",
    403: "Forbidden",
    404: "Not found",
    408: "Request timeout",
    413: "Content too large",
    426: "Upgrade required",
    431: "Request header fields too large",
    503: "Service unavailable",
}
_PROBLEM = "application/problem+json"
_LAST_REDIRECT = 399
_NO_WEBSOCKET = "The upstream opened no WebSocket.\n"
_DETAIL = "The request was refused before the gateway saw it: %RESPONSE_CODE_DETAILS%"


def local_replies(settings: Settings) -> Json:
    """The problem documents, by status; for calls of gRPC plain words."""
    return {
        "mappers": [
            *grpc_replies(settings),
            _no_websocket(),
            *(_mapper(status, title) for status, title in TITLES.items()),
        ],
        "body_format": _in_text(_problem("Request failed", "%RESPONSE_CODE%")),
    }


def _mapper(status: int, title: str) -> Json:
    document = {"json_format": _problem(title, str(status)), "content_type": _PROBLEM}
    return {"filter": _status("EQ", status), "body_format_override": document}


def _no_websocket() -> Json:
    """Envoy puts a body of its own in the place of the upstream's, where that answers a WebSocket's opening
    with 2xx or 3xx. The gateway has seen the request, and no problem has such a status.
    """
    text = {"text_format_source": {"inline_string": _NO_WEBSOCKET}, "content_type": "text/plain"}
    return {"filter": _status("LE", _LAST_REDIRECT), "body_format_override": text}


def _status(comparison: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": "none"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}


def _problem(title: str, code: str) -> Json:
    """Its request has no id: the gateway has not seen it."""
    return {"title": title, "status": "%RESPONSE_CODE%", "detail": _DETAIL, "code": code}


def _in_text(problem: Json) -> Json:
    """A document for any status: as text, for `code` is a string, and into JSON Envoy puts a number."""
    text = json.dumps(problem).replace('"%RESPONSE_CODE%"', "%RESPONSE_CODE%", 1)
    return {"text_format_source": {"inline_string": text + "\n"}, "content_type": _PROBLEM}
