"""gateway.yaml as resources of the Gateway API and of Envoy Gateway, whose Envoys ask Gatepost.

The rules of the routes are as the Envoy of `gatepost export envoy` has them: Gatepost says which route takes
a request, and what Envoy can't do for a route is left to Gatepost, which proxies its requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.config.model import Settings
from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy import all_upstreams
from gateway.export.envoy_clusters import Json
from gateway.export.envoy_routes import ExportedRoute, exported_route
from gateway.export.kubernetes_backends import (
    Backends,
    backend_texts,
    backends,
    has_tls,
    is_idempotent,
    traffic_policy,
    traffic_text,
    what_kubernetes_lacks,
)
from gateway.export.kubernetes_gateway import (
    GatewayListener,
    client_authority,
    client_policies,
    gateway,
    left_out,
    sections,
    security_policy,
    to_make,
)
from gateway.export.kubernetes_objects import (
    ENVOY_GATEWAY,
    GATEWAY_API,
    JUDGED,
    MOST_HOSTNAMES,
    MOST_MATCHES,
    TRAFFIC,
    ObjectPlace,
    names,
    parts,
    thing,
)
from gateway.export.kubernetes_routes import (
    ASKED,
    PathRewrite,
    exact_matches,
    extension,
    filters,
    grpc_matches,
    hostnames,
    matches,
    overlap,
    prefix_matches,
    rewrite,
    rule,
    shown_headers,
    what_rewrites_lack,
)
from gateway.http.endpoints import VERIFY
from gateway.http.route_target import literal_prefix

HTTP, GRPC = "HTTPRoute", "GRPCRoute"
NOT_FOUND = "not-found"


@dataclass(frozen=True, slots=True)
class KubernetesExport:
    """What comes of gateway.yaml."""

    resources: tuple[Json, ...]
    notes: tuple[str, ...]
    """What is done otherwise, or must be done by hand, in words."""


@dataclass(frozen=True, slots=True)
class KubernetesOptions:
    """What gateway.yaml does not say."""

    service: tuple[str, int] = ("gatepost", 80)
    """The Service of Gatepost, and its port."""
    namespace: str | None = None
    """Where all of it is; None: where it is applied."""
    gateway_class: str = "eg"


def export_kubernetes(settings: Settings, options: KubernetesOptions) -> KubernetesExport:
    """The resources with which Envoy Gateway takes the gateway's place at its listeners."""
    return _Export(settings, options).made()


class _Export:
    """The parts of one export, which know of each other."""

    def __init__(self, settings: Settings, options: KubernetesOptions) -> None:
        self._settings, self._options = settings, options
        self._place = ObjectPlace(options.namespace, "gatepost")
        name, port = options.service
        self._gatepost: Json = {"group": "", "kind": "Service", "name": name, "port": port}
        self._upstreams = all_upstreams(settings)
        enabled = [route for route in settings.routes if route.enabled]
        found = [exported_route(route, self._upstreams, settings.plugins) for route in enabled]
        has_listener = any(one.tls is not None and one.port for one in settings.server.for_clients)
        http_hosts = {one.settings.host for one in found if one.settings.host and not self._is_grpc(one)}
        self._kinds = {one.name: self._kind(one, http_hosts, tls=has_listener) for one in found}
        self._routes = [replace(one, reasons=tuple(self._reasons(one))) for one in found]
        self._hosts = sorted(
            {one.settings.host for one in found if one.settings.host and self._kinds[one.name] == HTTP}
        )
        self._backends = self._all_backends()

    def made(self) -> KubernetesExport:
        """All objects, and what must be known of them."""
        settings, place = self._settings, self._place
        served = list(sections(settings.server, self._grpc_hosts()))
        if not served:
            return KubernetesExport((), ("no listener has a port: there is nothing to export",))
        shown = shown_headers(route for route in settings.routes if route.enabled)
        resources = [
            gateway(served, settings.server, self._options.gateway_class, place),
            *client_policies(served, settings.server, self._idle(), place),
            security_policy(shown, self._gatepost, place),
            *self._redirects(served),
            *self._own_routes(served),
            *self._rewrite_filters(),
            *self._route_objects(served),
            *(one for found in self._backends.values() for one in found.objects),
            *self._traffic(),
        ]
        return KubernetesExport(tuple(resources), tuple(self._notes(served)))

    def _is_grpc(self, one: ExportedRoute) -> bool:
        upstream = one.settings.upstream
        return upstream is not None and self._upstreams[upstream].protocol == "grpc"

    def _kind(self, one: ExportedRoute, http_hosts: Iterable[str], *, tls: bool) -> str | None:
        """HTTPRoutes can be on no host that a GRPCRoute is on. None: gRPC that neither can have."""
        route = one.settings
        if not self._is_grpc(one):
            return HTTP
        upstream = self._upstreams[route.upstream or ""]
        own = route.host is not None and not any(overlap(host, route.host) for host in http_hosts)
        rewritten = upstream.host_header is not None or rewrite(route, upstream) is not None
        if own and tls and not rewritten and grpc_matches(route) is not None:
            return GRPC
        return None if has_tls(upstream) else HTTP

    def _reasons(self, one: ExportedRoute) -> Iterator[str]:
        yield from one.reasons
        if one.settings.upstream is not None and not self._is_grpc(one):
            upstream = self._upstreams[one.settings.upstream]
            yield from what_kubernetes_lacks(upstream)
            yield from what_rewrites_lack(one.settings, upstream)

    def _why_left_out(self, one: ExportedRoute) -> str | None:
        """Why there is no rule for a route, and nothing of it is proxied, in words."""
        if one.settings.upstream is None:
            return "verify_only, and no upstream to send it to"
        if self._kinds[one.name] is None:
            return "gRPC by TLS needs a host without other routes, and a listener with TLS"
        if self._is_grpc(one):
            upstream = self._upstreams[one.settings.upstream]
            lacking = [*what_kubernetes_lacks(upstream), *what_rewrites_lack(one.settings, upstream)]
            return ", ".join(lacking) or None
        return None

    def _forwarded(self) -> list[ExportedRoute]:
        return [one for one in self._routes if not one.reasons and self._why_left_out(one) is None]

    def _grpc_hosts(self) -> list[str]:
        found = {one.settings.host for one in self._forwarded() if self._kinds[one.name] == GRPC}
        return sorted(host for host in found if host is not None)

    def _used(self) -> dict[str, UpstreamConfig]:
        used = dict.fromkeys(one.settings.upstream for one in self._forwarded())
        return {name: self._upstreams[name] for name in used if name is not None}

    def _all_backends(self) -> dict[str, Backends]:
        used = self._used()
        named = names("upstream", (text for item in used.items() for text in backend_texts(*item)))
        return {name: backends(name, upstream, named, self._place) for name, upstream in used.items()}

    def _idle(self) -> float:
        """How long nothing may move. All requests of a listener share it: it is the longest."""
        of_timeouts = [upstream.timeouts for upstream in self._used().values()]
        return max((max(one.response, one.idle) for one in of_timeouts), default=0.0)

    def _policies(self) -> dict[str, tuple[str, bool]]:
        """Upstream, and whether all its requests may be sent again, by what a policy is named after."""
        found = {}
        for one in self._forwarded():
            name = one.settings.upstream or ""
            idempotent = is_idempotent(self._upstreams[name], one.settings.methods)
            found[traffic_text(name, idempotent=idempotent)] = (name, idempotent)
        return found

    def _traffic(self) -> Iterator[Json]:
        wanted = self._policies()
        named = names("upstream", wanted)
        for text, (name, idempotent) in wanted.items():
            yield traffic_policy(named[text], self._upstreams[name], self._place, idempotent=idempotent)

    def _groups(self, *own: str) -> list[list[str]]:
        """Hosts, as many as fit. Without own ones: all, and once more those that others have rules for."""
        if own:
            return [list(part) for part in parts(own, MOST_HOSTNAMES)]
        return [[], *(list(part) for part in parts(self._hosts, MOST_HOSTNAMES))]

    def _route(
        self,
        kind: str,
        name: str,
        served: Sequence[GatewayListener],
        rules: Sequence[Json],
        hosts: Sequence[str] = (),
        labels: dict[str, str] | None = None,
        route: str | None = None,
    ) -> Json:
        parents = [
            {"group": GATEWAY_API, "kind": "Gateway", "name": self._place.gateway, "sectionName": one.name}
            for one in served
        ]
        spec: Json = {"parentRefs": parents, **({"hostnames": list(hosts)} if hosts else {}), "rules": rules}
        return thing(GATEWAY_API, kind, name, self._place, spec, labels=labels, route=route)

    def _redirects(self, served: Sequence[GatewayListener]) -> Iterator[Json]:
        """301 for GET and HEAD, 308 for all others, as the gateway does."""
        found = [one for one in served if one.settings.redirect is not None]
        if not found:
            return
        port = self._settings.server.https_port
        to = {"scheme": "https", **({} if port is None else {"port": port})}
        gets = [{**match, "method": method} for match in prefix_matches("/") for method in ("GET", "HEAD")]
        rules = [
            rule(taken, [], [{"type": "RequestRedirect", "requestRedirect": to | {"statusCode": status}}])
            for taken, status in ((gets, 301), (prefix_matches("/"), 308))
        ]
        yield self._route(HTTP, f"{self._place.gateway}-redirect", found, rules)

    def _own_routes(self, served: Sequence[GatewayListener]) -> Iterator[Json]:
        """What Gatepost answers itself, what it proxies, and what it is asked about."""
        place = self._place
        paths = self._settings.paths
        verify = paths.with_base(VERIFY)
        missing: Json = {"directResponse": {"statusCode": 404}}
        yield thing(ENVOY_GATEWAY, "HTTPRouteFilter", f"{place.gateway}-{NOT_FOUND}", place, missing)
        nothing = [extension(f"{place.gateway}-{NOT_FOUND}")]
        own = [path for path in paths.prefixes if path not in verify]
        proxied = sorted({literal_prefix(one.settings.path) for one in self._routes if one.reasons})
        asked = sorted(self._asked(proxied))
        # Envoy is a trusted proxy: nobody may ask through it.
        yield from self._whole("verify", served, [prefix_matches(verify)], [], nothing)
        endpoints = [*exact_matches(paths.exact), *prefix_matches(own)]
        yield from self._whole("endpoints", served, parts(endpoints, MOST_MATCHES), [self._gatepost], ASKED)
        found = parts(prefix_matches(proxied), MOST_MATCHES)
        yield from self._whole("proxied", served, found, [self._gatepost], ASKED)
        found = parts(prefix_matches(asked), MOST_MATCHES)
        yield from self._whole("judged", served, found, [self._gatepost], ASKED, judged=True)

    def _asked(self, proxied: Sequence[str]) -> Iterator[str]:
        """Where Gatepost is asked: everywhere, but for paths that it proxies, and below those again."""
        if "/" not in proxied:
            yield "/"
        for one in self._routes:
            path = literal_prefix(one.settings.path)
            if path not in proxied and any(above == "/" or path.startswith(f"{above}/") for above in proxied):
                yield path

    def _whole(
        self,
        name: str,
        served: Sequence[GatewayListener],
        found: Sequence[Sequence[Json]],
        references: Sequence[Json],
        done: Sequence[Json] = (),
        *,
        judged: bool = False,
    ) -> Iterator[Json]:
        """One rule for requests of all hosts."""
        general = [one for one in served if one.host is None and one.settings.redirect is None]
        labels = {JUDGED: "true"} if judged else None
        texts = [(part, hosts) for part in found for hosts in self._groups()]
        for number, (part, hosts) in enumerate(texts):
            named = f"{self._place.gateway}-{name}" + (f"-{number + 1}" if number else "")
            yield self._route(HTTP, named, general, [rule(part, references, done)], hosts, labels)

    def _rewrites(self) -> dict[str, PathRewrite]:
        """What paths are changed by, by what its object is named after."""
        pairs = [(one.settings, self._upstreams[one.settings.upstream or ""]) for one in self._forwarded()]
        return {one.text: one for one in (rewrite(*pair) for pair in pairs) if one is not None}

    def _rewrite_filters(self) -> Iterator[Json]:
        wanted = self._rewrites()
        named = names("rewrite", wanted)
        for text, one in wanted.items():
            yield thing(ENVOY_GATEWAY, "HTTPRouteFilter", named[text], self._place, one.spec)

    def _route_objects(self, served: Sequence[GatewayListener]) -> Iterator[Json]:
        """The routes themselves: what Envoy does when Gatepost has let a request in."""
        forwarded = self._forwarded()
        traffic = names("upstream", self._policies())
        rewrites = names("rewrite", self._rewrites())
        wanted = {
            f"{one.name} {number or ''}": (one, hosts)
            for one in forwarded
            for number, hosts in enumerate(self._groups(*hostnames(one.settings, self._hosts)))
        }
        named = names("route", wanted)
        for text, (one, hosts) in wanted.items():
            route, upstream = one.settings, self._upstreams[one.settings.upstream or ""]
            idempotent = is_idempotent(upstream, route.methods)
            policy = traffic[traffic_text(route.upstream or "", idempotent=idempotent)]
            labels = {JUDGED: "true", TRAFFIC: policy}
            references = self._backends[route.upstream or ""].references
            done = filters(route, upstream, rewrites)
            kind = self._kinds[one.name] or HTTP
            found = (grpc_matches(route) if kind == GRPC else None) or matches(route)
            rules = [rule(found, references, done)]
            where = [section for section in served if self._takes(section, one)]
            yield self._route(kind, named[text], where, rules, hosts, labels, one.name)
        yield from self._grpc_judged(served)

    def _grpc_judged(self, served: Sequence[GatewayListener]) -> Iterator[Json]:
        """Gatepost is asked about all calls for hosts of gRPC. Those that have no rule then fail there."""
        hosts = self._grpc_hosts()
        own = [one for one in served if one.host is not None]
        for number, part in enumerate(parts(hosts, MOST_HOSTNAMES)):
            name = f"{self._place.gateway}-judged" + (f"-{number + 1}" if number else "")
            rules = [{"filters": ASKED, "backendRefs": [self._gatepost]}]
            yield self._route(GRPC, name, own, rules, part, {JUDGED: "true"})

    def _takes(self, section: GatewayListener, one: ExportedRoute) -> bool:
        if self._kinds[one.name] == GRPC:
            return section.host is not None and section.host == one.settings.host
        return section.host is None and section.settings.redirect is None

    def _notes(self, served: Sequence[GatewayListener]) -> Iterator[str]:
        server = self._settings.server
        yield "server.trusted_proxies must have the addresses of Envoy's pods; only they may reach Gatepost"
        yield "Envoy Gateway must allow Backend resources (extensionApis.enableBackend)"
        yield "Envoy Gateway resolves . and .. in paths before Gatepost judges them, where Gatepost says 400"
        yield "server.max_body and server.min_rate: not enforced by Envoy"
        yield from left_out(server)
        if any(client_authority(one.settings, server) is not None for one in served):
            yield "client certificates: set server.client_certificate_header to X-Forwarded-Client-Cert"
        yield from to_make(served, server, self._place)
        for found in self._backends.values():
            yield from found.notes
        for one in self._routes:
            why = self._why_left_out(one)
            if why is not None:
                yield f"route {one.name}: left out: {why}"
            elif one.reasons:
                yield f"route {one.name}: proxied by the gateway: {', '.join(dict.fromkeys(one.reasons))}"
            elif self._is_grpc(one) and self._kinds[one.name] == HTTP:
                yield f"route {one.name}: an HTTPRoute, without gRPC-Web: it shares its host, or has no TLS"
