"""Calls of gRPC at the edge: Envoy asks the gateway about each, and forwards it by itself.

Asked about is whatever could be one. The gateway answers with the route's id where it is, and then Envoy
knows what to do by the id alone. All else goes to the gateway as it always does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.config.differences import route_id
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.edge.configuration import EdgeConfiguration, EdgeListener
from gateway.export.envoy_clusters import SYSTEM_CAS, TYPE, Json, cluster
from gateway.export.envoy_grpc import grpc_web_filter
from gateway.export.envoy_listeners import ADDED, GRANTED
from gateway.export.envoy_routes import GATEWAY, ROUTE_ID, route_action
from gateway.http.route_target import literal_prefix

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
QUESTION_TIMEOUT = "10s"
TOLD = (*GRANTED, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
"""What the gateway tells upstreams."""
_NOT_ASKED = (
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""What frames a call, and says nothing of a question about it."""
_KIND, _WEB_KIND = "application/grpc", "application/grpc-web"
_ASK, _WEB = "envoy.filters.http.ext_authz", "envoy.filters.http.grpc_web"


def speaks_grpc(settings: Settings) -> bool:
    """Whether there are routes of gRPC."""
    return any(True for _ in _grpc_settings(settings))


def _grpc_settings(settings: Settings) -> Iterator[RouteSettings]:
    return (one for one in settings.routes if one.enabled and settings.speaks_grpc(one.upstream))


def upstream_tls_files(settings: Settings) -> Iterator[Path]:
    """Files with the CAs, certificates and keys for upstreams of gRPC."""
    for name in _upstreams(settings):
        tls = settings.upstreams[name].tls
        if tls is not None:
            yield from (path for path in (tls.ca, tls.certificate, tls.key) if path is not None)


def _upstreams(settings: Settings) -> Iterable[str]:
    return dict.fromkeys(one.upstream for one in _grpc_settings(settings) if one.upstream is not None)


def grpc_clusters(configuration: EdgeConfiguration) -> Iterator[Json]:
    """The upstreams of gRPC."""
    known = {str(path): {"inline_string": text} for path, text in configuration.upstream_files.items()}
    known[SYSTEM_CAS] = {"filename": str(configuration.system_cas)}
    for name in _upstreams(configuration.settings):
        found = cluster(_cluster_name(name), configuration.settings.upstreams[name])
        yield {"@type": CLUSTER, **_with_files(found, known)}


def _cluster_name(upstream: str) -> str:
    """No upstream can have the name of the gateway's own."""
    return f"grpc:{upstream}"


def _with_files(found: Json, known: dict[str, Json]) -> Json:
    """With files' content in place of their names: so a reload brings what is in them now."""

    def put(value: object) -> object:
        if isinstance(value, dict):
            file = value.get("filename")
            return known[file] if file in known else {key: put(each) for key, each in value.items()}
        return [put(each) for each in value] if isinstance(value, list) else value

    return {key: put(value) for key, value in found.items()}


def grpc_routes(settings: Settings, to_gateway: Json) -> Iterator[Json]:
    """Routes for calls, and for what is to be asked about. `to_gateway`: the route of all else."""
    routes = list(_grpc_settings(settings))
    for one in routes:
        yield _forwarded(one, settings)
    if not routes:
        return
    kind = _header("content-type", prefix=_KIND)
    web = _header("content-type", prefix=_WEB_KIND)
    yield to_gateway | {"match": {"prefix": "/", "headers": [kind, web | {"invert_match": True}]}}
    # Calls of pages, and their preflights. Below other paths they are no business of the edge.
    preflight = [
        {"name": ":method", "string_match": {"exact": "OPTIONS"}},
        {"name": "access-control-request-method", "present_match": True},
    ]
    for path in dict.fromkeys(literal_prefix(one.path) for one in routes):
        for headers in ([web], preflight):
            yield to_gateway | {"match": _below(path) | {"headers": headers}}


def grpc_replies(settings: Settings) -> Iterator[Json]:
    """What Envoy answers calls itself: the reason in words, without a document of JSON around it."""
    if speaks_grpc(settings):
        plain = {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}}
        call = {"header_filter": {"header": _header("content-type", prefix=_KIND)}}
        yield {"filter": call, "body_format_override": plain}
        # What the gateway itself answers to others: preflights.
        refused = {"response_flag_filter": {"flags": ["UAEX"]}}
        problem = plain | {"content_type": "application/problem+json"}
        yield {"filter": refused, "body_format_override": problem}


def _header(name: str, prefix: str) -> Json:
    return {"name": name, "string_match": {"prefix": prefix, "ignore_case": True}}


def _below(path: str) -> Json:
    return {"prefix": "/"} if path == "/" else {"path_separated_prefix": path}


def _forwarded(route: RouteSettings, settings: Settings) -> Json:
    """The route of calls that the gateway has answered with the route's id."""
    name = route.upstream or ""
    action = route_action(route, settings.upstreams[name]) | {"cluster": _cluster_name(name)}
    known = {"name": ROUTE_ID, "string_match": {"exact": route_id(route)}}
    # RFC 9110 section 7.6.3.
    via = {
        "header": {"key": "via", "value": "%PROTOCOL% gatepost"},
        "append_action": "APPEND_IF_EXISTS_OR_ADD",
    }
    return {
        "match": {"prefix": "/", "headers": [known]},
        "route": action,
        "request_headers_to_add": [via],
        "request_headers_to_remove": [ROUTE_ID],
    }


def unasked() -> Json:
    """For requests that can't be calls."""
    return {
        "typed_per_filter_config": {
            name: {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
            for name in (_ASK, _WEB)
        }
    }


def grpc_filters(listener: EdgeListener, configuration: EdgeConfiguration) -> Iterator[Json]:
    """What stands before the choice of a route."""
    if speaks_grpc(configuration.settings):
        yield grpc_web_filter()
        yield _question(listener, configuration)


def _question(listener: EdgeListener, configuration: EdgeConfiguration) -> Json:
    settings, header = configuration.settings, configuration.header
    plugins = [use for route in _grpc_settings(settings) for use in (*settings.plugins, *route.plugins)]
    named = [str(getattr(use.config, "header", "")).lower() for use in plugins]
    config = {
        "@type": f"{TYPE}.filters.http.ext_authz.v3.ExtAuthz",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        # The route is known by the gateway's answer.
        "clear_route_cache": True,
        "allowed_headers": {"patterns": [{"safe_regex": {"regex": "[^:].*"}}]},
        "disallowed_headers": _names(_NOT_ASKED),
        "http_service": {
            "server_uri": {"uri": "http://gatepost", "cluster": GATEWAY, "timeout": QUESTION_TIMEOUT},
            "authorization_request": {
                "headers_to_add": [{"key": header.name, "value": header.question(listener.scheme)}]
            },
            "authorization_response": {
                "allowed_upstream_headers": _names(TOLD),
                "allowed_client_headers_on_success": _names((*ADDED, *filter(None, named))),
            },
            # Of another worker, and only where the first has not seen the question.
            "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request"},
        },
    }
    return {"name": _ASK, "typed_config": config}


def _names(names: Iterable[str]) -> Json:
    return {"patterns": [{"exact": name} for name in dict.fromkeys(names)]}
