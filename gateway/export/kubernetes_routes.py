"""Routes as the Gateway API has them.

Which route takes a request is for Gatepost to say: its answer names the route, and a rule takes only what
Gatepost has named for it. What a rule says beside that (path, methods, headers, query) must hold as well.
Where the two readings of a request differ, it goes to Gatepost, which proxies it by its own rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.config.differences import route_id
from gateway.config.routes import RouteSettings
from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy_clusters import Json
from gateway.export.envoy_routes import ROUTE_ID
from gateway.export.kubernetes_objects import ENVOY_GATEWAY
from gateway.http.path_readings import TEMPLATE
from gateway.http.route import HEADER
from gateway.http.route_target import route_segments

ASKED: list[Json] = [
    {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [ROUTE_ID]}},
]
"""What is done with requests that go to Gatepost: what Envoy asks it by is not handed on."""
PREFIX, EXACT, REGEX = "PathPrefix", "Exact", "RegularExpression"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_MOST_CONDITIONS = 16
_PLAIN_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2}){1,1024}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,1024}")
_GRPC_METHOD = re.compile(r"/([A-Za-z_][A-Za-z_0-9.]*)(?:/([A-Za-z_][A-Za-z_0-9]*))?")


def hostnames(route: RouteSettings, used: Iterable[str]) -> list[str]:
    """The hosts of a route with one, and those of other routes below its wildcard.

    Of several hosts that fit, Envoy looks at the rules of the closest one only.
    """
    if route.host is None:
        return []
    return [route.host, *(host for host in used if host != route.host and is_below(host, route.host))]


def is_below(host: str, pattern: str) -> bool:
    """Whether all requests for a host are also for another one, which may have a wildcard."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def overlap(first: str, second: str) -> bool:
    """Whether a request can be for both of two hosts."""
    return is_below(first, second) or is_below(second, first)


def path_match(route: RouteSettings) -> Json:
    """The paths of a route."""
    plain = not route.is_template and route.case_sensitive and _PLAIN_PATH.fullmatch(route.path)
    if plain and route.match == "exact":
        return {"type": EXACT, "value": route.path}
    if plain:
        return {"type": PREFIX, "value": route.path}
    literals = TEMPLATE.split(route.path)[::2]
    text = "[^/]+".join(map(re.escape, literals))
    below = "" if route.match == "exact" else "(/.*)?"
    return {"type": REGEX, "value": f"{'' if route.case_sensitive else '(?i)'}{text}{below}"}


def matches(route: RouteSettings) -> list[Json]:
    """What requests must be like for a rule to take them. What can't be said is left to the route's id."""
    condition: Json = {"path": path_match(route), "headers": [_header(ROUTE_ID, route_id(route))]}
    where = route.where
    if where is not None and len(where.headers) + 1 <= _MOST_CONDITIONS >= len(where.query):
        condition["headers"] += [_header(name, value) for name, value in where.headers.items() if value]
        query = [_header(*pair) for pair in where.query.items() if _is_plain(*pair)]
        condition |= {"queryParams": query} if query else {}
    methods = route.methods or ()
    if not methods or not _METHODS.issuperset(methods):
        return [condition]
    return [condition | {"method": method} for method in methods]


def grpc_matches(route: RouteSettings) -> list[Json] | None:
    """The same for calls of gRPC: of one method, of one service, or of all. None: the path is another one."""
    headers = [_header(ROUTE_ID, route_id(route))]
    if route.where is not None:
        headers += [_header(name, value) for name, value in route.where.headers.items() if value]
    if route.path == "/" and route.match == "prefix":
        return [{"headers": headers}]
    found = _GRPC_METHOD.fullmatch(route.path)
    if found is None or not route.case_sensitive or (found[2] is None and route.match == "exact"):
        return None
    method = {"type": EXACT, "service": found[1]} | ({} if found[2] is None else {"method": found[2]})
    return [{"method": method, "headers": headers}]


def what_rewrites_lack(route: RouteSettings, upstream: UpstreamConfig) -> Iterator[str]:
    """Why the path and the Host that go upstream can't be said, in words."""
    if upstream.host_header is not None and rewrite(route, upstream) is not None:
        yield "host_header together with strip_prefix or a path in the upstream's URL"


def filters(route: RouteSettings, upstream: UpstreamConfig, rewrites: Mapping[str, str]) -> list[Json]:
    """What is done with a request of a route. `rewrites`: the names of the filters of `PathRewrite`."""
    forwards = route.auth == "none" if route.forward_token is None else route.forward_token
    removed = [ROUTE_ID, *([] if forwards else ["authorization", "dpop"])]
    headers: Json = {"remove": removed}
    if route.strips and route.path != "/":
        headers["set"] = [{"name": "X-Forwarded-Prefix", "value": route.path}]
    found: list[Json] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": headers}]
    if upstream.host_header is not None:
        found.append({"type": "URLRewrite", "urlRewrite": {"hostname": upstream.host_header}})
    changed = rewrite(route, upstream)
    if changed is not None:
        found.append(extension(rewrites[changed.text]))
    return found


def extension(name: str) -> Json:
    """A reference to an `HTTPRouteFilter`."""
    reference = {"group": ENVOY_GATEWAY, "kind": "HTTPRouteFilter", "name": name}
    return {"type": "ExtensionRef", "extensionRef": reference}


@dataclass(frozen=True, slots=True)
class PathRewrite:
    """The path that goes upstream: without the segments of `strip_prefix`, behind the path of the URL."""

    stripped: int
    base: str

    @property
    def text(self) -> str:
        """What the object is named after."""
        return " ".join([*([f"strip {self.stripped}"] if self.stripped else []), self.base]).strip()

    @property
    def spec(self) -> Json:
        """As an `HTTPRouteFilter`. The Gateway API's own merges slashes and ends paths its own way."""
        # In a substitution a backslash begins a reference.
        base = self.base.replace("\\", "\\\\")
        replaced = {"pattern": f"^(?:/[^/]*){{{self.stripped}}}/?(.*)$", "substitution": f"{base}/\\1"}
        return {"urlRewrite": {"path": {"type": "ReplaceRegexMatch", "replaceRegexMatch": replaced}}}


def rewrite(route: RouteSettings, upstream: UpstreamConfig) -> PathRewrite | None:
    """What becomes of the path; None: it stays as it is."""
    stripped = len(route_segments(route.path)) if route.strips else 0
    base = urlsplit(upstream.servers[0].url).path.rstrip("/")
    return PathRewrite(stripped, base) if stripped or base else None


def shown_headers(routes: Iterable[RouteSettings]) -> list[str]:
    """The headers that routes go by."""
    return [name.lower() for route in routes for kind, name in route.conditions.names if kind == HEADER]


def prefix_matches(paths: Iterable[str]) -> list[Json]:
    """All requests below these paths."""
    return [{"path": {"type": PREFIX, "value": path}} for path in paths]


def exact_matches(paths: Iterable[str]) -> list[Json]:
    """All requests for these paths."""
    return [{"path": {"type": EXACT, "value": path}} for path in paths]


def rule(found: Sequence[Json], references: Sequence[Json], done: Sequence[Json] = ()) -> Json:
    """One rule of a route."""
    made: dict[str, Any] = {"matches": list(found)}
    if done:
        made["filters"] = list(done)
    if references:
        made["backendRefs"] = list(references)
    return made


def _header(name: str, value: str) -> Json:
    return {"type": EXACT, "name": name, "value": value}


def _is_plain(name: str, value: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and _PLAIN_VALUE.fullmatch(value) is not None
