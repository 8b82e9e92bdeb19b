"""Kong's declarative configuration (DB-less, `deck gateway dump`): services, routes, consumers, plugins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from gateway.converters.draft import ConfigDraft, UnknownFormat, route_path
from gateway.converters.kong_access import KongAccess, access_of, clients_of
from gateway.converters.kong_plugins import converted_plugins
from gateway.converters.openapi import items, mapping

Entity = Mapping[str, Any]

_SECTIONS = frozenset({"services", "routes", "upstreams", "consumers", "plugins"})
_NOT_TAKEN = {
    "certificates": "certificates belong to server.listen[].tls",
    "ca_certificates": "CA certificates belong to upstreams.<name>.tls and server.listen[].tls",
    "snis": "SNIs belong to server.listen[].tls",
    "vaults": "secrets can be ${NAME} or ${file:PATH}",
}
_NOT_HTTP = frozenset({"tcp", "tls", "udp", "tls_passthrough"})
_SEGMENT_PATTERN = re.compile(r"\(\?<(\w++)>[^()/]*+\)|\(?(?:\\d\+|\\w\+|\\w\*|\[0-9\]\+)\)?")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_/.~%-]++")
_LITERAL = re.compile(r"(?:[A-Za-z0-9_~-]|\\[.\-])++")
_BALANCE = {"least-connections": "least_requests", "consistent-hashing": "hash", "round-robin": "round_robin"}


@dataclass(frozen=True, slots=True)
class Kong:
    """The entities of a declarative configuration, and the draft that is made of them."""

    document: Entity
    draft: ConfigDraft

    def all(self, section: str) -> list[Entity]:
        """The entities of a section."""
        return [mapping(one) for one in items(self.document.get(section))]


def convert_kong(document: Entity) -> ConfigDraft:
    """The draft of a declarative configuration.

    Raises:
        UnknownFormat: it is none.
    """
    if "_format_version" not in document and not _SECTIONS & document.keys():
        raise UnknownFormat("it has no _format_version: it is no declarative configuration of Kong")
    draft = ConfigDraft(f"From Kong, format {document.get('_format_version', 'unknown')}")
    kong = Kong(document, draft)
    for section, text in _NOT_TAKEN.items():
        if document.get(section):
            draft.note(section, text)
    global_plugins = _attached(kong, None, None)
    for name in global_plugins.keys() - _overridden(kong):
        # What is global counts over all routes; what another plugin of the name replaces goes to each route.
        own = converted_plugins({name: global_plugins[name]}, draft, "plugins")
        if own:
            draft.plugins += own
            del global_plugins[name]
    for service in kong.all("services"):
        _service(kong, service, global_plugins)
    for route in kong.all("routes"):
        if _reference(route.get("service")) is None:
            draft.note(_named(route), "has no service: left out")
    draft.clients += clients_of(kong.document, draft)
    if any(route.get("match") != "exact" and route["path"] != "/" for route in draft.routes):
        draft.note("paths", "are prefixes of whole segments here: /orders does not take /orders-old")
    return draft


def _service(kong: Kong, service: Entity, global_plugins: Mapping[str, Entity]) -> None:
    name = _named(service)
    if service.get("enabled") is False:
        kong.draft.note(f"service {name}", "is not enabled: left out")
        return
    plugins = {**global_plugins, **_attached(kong, "service", service)}
    own = [mapping(one) for one in items(service.get("routes"))]
    names = {service.get("name"), service.get("id")} - {None}
    own += [one for one in kong.all("routes") if _reference(one.get("service")) in names]
    for route in own:
        _route(kong, service, route, {**plugins, **_attached(kong, "route", route)})


def _route(kong: Kong, service: Entity, route: Entity, plugins: Mapping[str, Entity]) -> None:
    where = f"route {_named(route)}"
    if _NOT_HTTP & {str(one) for one in items(route.get("protocols"))}:
        kong.draft.note(where, "is not HTTP: left out")
        return
    upstream = _upstream(kong, service, keeps_host=route.get("preserve_host") is True)
    access = access_of(plugins, kong.document, kong.draft, where)
    shared = {**_methods(route), "upstream": upstream, **_access_keys(access)}
    further = [*access.plugins, *converted_plugins(plugins, kong.draft, where)]
    for path, host, headers in product(
        _paths(kong, route, where), _hosts(kong, route, where), _headers(route)
    ):
        made: dict[str, Any] = {"path": path.text, **({"match": "exact"} if path.exact else {})}
        made |= {} if host is None else {"host": host}
        made |= {"where": {"headers": headers}} if headers else {}
        made |= shared
        if not _strips(route, path):
            made["strip_prefix"] = False
            if route.get("strip_path") is not False:
                kong.draft.note(where, f"{path.text} is not stripped: see the plugin rewrite")
        if further:
            made["plugins"] = further
        kong.draft.routes.append(made)
    if route.get("snis"):
        kong.draft.note(where, "SNIs choose certificates here, not routes: its hosts are taken")


def _access_keys(access: KongAccess) -> dict[str, Any]:
    if access.is_open:
        return {"auth": "none"}
    return {"scopes": list(access.scopes)} if access.scopes else {}


def _methods(route: Entity) -> dict[str, Any]:
    methods = [str(one).upper() for one in items(route.get("methods"))]
    return {"methods": methods} if methods else {}


# Paths, hosts, headers.


@dataclass(frozen=True, slots=True)
class KongPath:
    """A path of a route."""

    text: str
    exact: bool = False


def _paths(kong: Kong, route: Entity, where: str) -> Iterator[KongPath]:
    for path in [str(one) for one in items(route.get("paths"))] or ["/"]:
        pattern = _pattern(kong, path)
        if pattern is None:
            text = route_path(path, kong.draft, where)
            if text is not None:
                yield KongPath(text)
        elif (found := template_of(pattern)) is not None:
            yield found
        else:
            kong.draft.note(where, f"the regular expression {path} has no counterpart: left out")


def _pattern(kong: Kong, path: str) -> str | None:
    """The regular expression that a path is; None: it is a prefix."""
    if path.startswith("~"):
        return path[1:]
    old = str(kong.document.get("_format_version", "3.0")) < "3"
    # Before version 3 what is not a plain path is a regular expression.
    return path if old and not _PLAIN_PATH.fullmatch(path) else None


def template_of(pattern: str) -> KongPath | None:
    r"""A regular expression as a path template: `/orders/(?<id>\d+)$`; None: it is more than that."""
    text = pattern.removeprefix("^").replace("[^/]", r"\w")
    exact = text.endswith("$")
    segments, names = [], 0
    for segment in text.removesuffix("$").strip("/").split("/"):
        if match := _SEGMENT_PATTERN.fullmatch(segment):
            names += 1
            segments.append(f"{{{match[1] or f'part{names}'}}}")
        elif _LITERAL.fullmatch(segment):
            segments.append(segment.replace("\\", ""))
        else:
            return None
    return KongPath("/" + "/".join(segments), exact)


def _strips(route: Entity, path: KongPath) -> bool:
    return route.get("strip_path") is not False and "{" not in path.text


def _hosts(kong: Kong, route: Entity, where: str) -> list[str | None]:
    hosts: list[str | None] = []
    for host in [str(one) for one in items(route.get("hosts"))]:
        if host.endswith(".*"):
            kong.draft.note(where, f"the host {host} has no counterpart: left out")
        else:
            hosts.append(host.partition(":")[0].lower())
    return hosts or ([] if route.get("hosts") else [None])


def _headers(route: Entity) -> list[dict[str, str]]:
    """Each combination of the values that the headers may have."""
    wanted = {
        str(name): [str(one) for one in items(values)]
        for name, values in mapping(route.get("headers")).items()
    }
    return [dict(zip(wanted, values, strict=True)) for values in product(*wanted.values())]


# Upstreams.


def _upstream(kong: Kong, service: Entity, *, keeps_host: bool) -> str:
    name = _named(service)
    url = urlsplit(str(service.get("url", "")))
    scheme = url.scheme or str(service.get("protocol") or "http")
    host = url.hostname or str(service.get("host") or "")
    port = url.port or service.get("port") or (443 if scheme == "https" else 80)
    path = (url.path or str(service.get("path") or "")).rstrip("/")
    if scheme not in ("http", "https"):
        kong.draft.note(f"service {name}", f"{scheme} is taken for http")
        scheme = "http"
    balanced = next((one for one in kong.all("upstreams") if one.get("name") == host), None)
    settings: dict[str, Any] = {"servers": [{"url": f"{scheme}://{_host(host)}:{port}{path}"}]}
    if balanced is not None:
        settings = _balanced(kong, balanced, scheme, path)
    if not keeps_host:
        settings["host_header"] = str((balanced or {}).get("host_header") or host)
    settings |= _timeouts(service)
    if service.get("tls_verify") is False and scheme == "https":
        settings["tls"] = {"verify": False}
    if service.get("client_certificate"):
        kong.draft.note(f"service {name}", "its client certificate goes into upstreams.<name>.tls")
    return kong.draft.upstream(name, settings)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _balanced(kong: Kong, upstream: Entity, scheme: str, path: str) -> dict[str, Any]:
    where = f"upstream {upstream.get('name')}"
    servers = []
    own = {upstream.get("name"), upstream.get("id")}
    targets = [mapping(one) for one in items(upstream.get("targets"))]
    targets += [one for one in kong.all("targets") if _reference(one.get("upstream")) in own]
    for target in targets:
        address, weight = str(target.get("target")), target.get("weight", 100)
        if weight == 0:
            kong.draft.note(where, f"{address} has the weight 0: left out")
            continue
        address += "" if ":" in address else ":8000"
        servers.append({"url": f"{scheme}://{address}{path}", "weight": weight})
    settings: dict[str, Any] = {"servers": servers}
    balance = _BALANCE.get(str(upstream.get("algorithm", "round-robin")))
    if balance is None:
        kong.draft.note(where, f"the algorithm {upstream['algorithm']} is not known: round_robin")
    elif balance != "round_robin":
        settings["balance"] = balance
    if balance == "hash":
        settings |= _hashed(kong, upstream, where)
    return settings | _health(upstream)


def _hashed(kong: Kong, upstream: Entity, where: str) -> dict[str, Any]:
    by = {"consumer": "client", "path": "path", "header": f"header:{upstream.get('hash_on_header')}"}
    wanted = str(upstream.get("hash_on", "none"))
    if wanted not in by:
        kong.draft.note(where, f"hash_on: {wanted} is not known: by client")
    return {"hash_by": by.get(wanted, "client")}


def _health(upstream: Entity) -> dict[str, Any]:
    active = mapping(mapping(upstream.get("healthchecks")).get("active"))
    healthy, unhealthy = mapping(active.get("healthy")), mapping(active.get("unhealthy"))
    interval = healthy.get("interval") or unhealthy.get("interval")
    if not interval:
        return {}
    health = {"path": active.get("http_path", "/"), "interval": f"{interval}s"}
    for name, count in (
        ("healthy_after", healthy.get("successes")),
        ("unhealthy_after", unhealthy.get("http_failures")),
    ):
        health |= {name: count} if count else {}
    return {"health": health}


def _timeouts(service: Entity) -> dict[str, Any]:
    names = {"connect": "connect_timeout", "response": "read_timeout"}
    found = {ours: f"{service[theirs]}ms" for ours, theirs in names.items() if service.get(theirs)}
    settings: dict[str, Any] = {"timeouts": found} if found else {}
    if service.get("retries"):
        settings["retries"] = {"attempts": min(int(service["retries"]), 10)}
    return settings


# Entities that refer to each other.


def _overridden(kong: Kong) -> set[str]:
    """The names of plugins that a service or a route has of its own."""
    services = kong.all("services")
    routes = [mapping(one) for service in services for one in items(service.get("routes"))]
    holders = [*services, *routes, *kong.all("routes")]
    own = [mapping(one) for holder in holders for one in items(holder.get("plugins"))]
    own += [one for one in kong.all("plugins") if one.get("service") or one.get("route")]
    return {str(plugin.get("name")) for plugin in own}


def _named(entity: Entity) -> str:
    return str(entity.get("name") or entity.get("id") or "unnamed")


def _reference(value: Any) -> Any:
    """What a `service`, `route` or `consumer` refers to: a name, or `{name: …}`, or `{id: …}`."""
    return (
        value.get("name") or value.get("id") or value.get("username") if isinstance(value, Mapping) else value
    )


def _attached(kong: Kong, kind: str | None, entity: Entity | None) -> dict[str, Entity]:
    """The plugins of a service, of a route, or (None) of everything, by name."""
    found = [mapping(one) for one in items((entity or {}).get("plugins"))]
    names = {(entity or {}).get("name"), (entity or {}).get("id")} - {None}
    for plugin in kong.all("plugins"):
        references = {one: _reference(plugin.get(one)) for one in ("service", "route")}
        if _reference(plugin.get("consumer")) is not None:
            kong.draft.note(f"plugin {plugin.get('name')}", "belongs to a consumer: left out; see `tiers`")
        elif (kind is None and not any(references.values())) or (
            kind is not None and references[kind] in names
        ):
            found.append(plugin)
    return {str(plugin.get("name")): plugin for plugin in found if plugin.get("enabled") is not False}
