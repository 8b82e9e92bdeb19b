"""OpenAPI 3.0 and 3.1, and Swagger 2: each operation becomes a route, each server an upstream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gateway.converters.draft import ConfigDraft, UnknownFormat, grouped, route_path

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
PLACEHOLDER = "http://127.0.0.1:9000"
_VARIABLE = re.compile(r"\{([^{}]*)\}")
_SCOPED = frozenset({"oauth2", "openIdConnect"})
MAX_REFERENCES = 20

Document = Mapping[str, Any]


@dataclass(slots=True)
class OpenApiSource:
    """One document on its way to a draft."""

    document: Document
    draft: ConfigDraft
    schemes: Mapping[str, Any] = field(default_factory=dict)
    """Security schemes by name."""


def convert_openapi(document: Document, draft: ConfigDraft | None = None) -> ConfigDraft:
    """The draft of a document.

    Raises:
        UnknownFormat: it is neither OpenAPI 3 nor Swagger 2.
    """
    version = str(document.get("openapi") or document.get("swagger") or "")
    if not version.startswith(("3.", "2.")):
        raise UnknownFormat("it has neither openapi: 3.x nor swagger: 2.0")
    info = mapping(document.get("info"))
    draft = draft or ConfigDraft()
    kind = "OpenAPI" if "openapi" in document else "Swagger"
    draft.title = f"From {kind} {version}: {info.get('title', 'no title')} {info.get('version', '')}".rstrip()
    source = OpenApiSource(document, draft, _schemes(document))
    draft.scopes.update(_described_scopes(source.schemes))
    routes: list[dict[str, Any]] = []
    for path, item in mapping(document.get("paths")).items():
        routes += _of_path(source, str(path), resolved(source, item, str(path)))
    for name in mapping(document.get("webhooks")):
        draft.note(f"webhook {name}", "is sent by the API itself: no route")
    draft.routes += grouped(routes)
    return draft


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, or an empty mapping where it is none."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> Sequence[Any]:
    """The value, or an empty list where it is none."""
    return value if isinstance(value, list | tuple) else []


def resolved(source: OpenApiSource, item: Any, where: str) -> Mapping[str, Any]:
    """What a `$ref` within the document stands for."""
    for _ in range(MAX_REFERENCES):
        reference = mapping(item).get("$ref")
        if reference is None:
            return mapping(item)
        if not str(reference).startswith("#/"):
            source.draft.note(where, f"{reference} is in another file: left out")
            return {}
        found: Any = source.document
        for part in str(reference)[2:].split("/"):
            found = mapping(found).get(part.replace("~1", "/").replace("~0", "~"))
        item = found
    return {}


def _of_path(source: OpenApiSource, path: str, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not path.startswith("/"):
        return  # an extension
    for method in METHODS:
        if not isinstance(operation := item.get(method), Mapping):
            continue
        where = f"{method.upper()} {path}"
        server = _server(source, operation, item, where)
        full = route_path(server.path.rstrip("/") + path, source.draft, where)
        if path != "/" and path.endswith("/"):
            source.draft.note(where, "the path ends with /: the route takes it with and without")
        yield {
            "path": full,
            "match": "exact",
            "methods": [method.upper()],
            "upstream": source.draft.upstream(server.name, upstream_of([server.origin])),
            "strip_prefix": False,
            **_access(source, operation, where),
        }


# Servers.


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where an API is: clients use its path, too."""

    origin: str
    path: str
    name: str


def _server(source: OpenApiSource, operation: Document, item: Document, where: str) -> ApiServer:
    if "swagger" in source.document:
        return _swagger_server(source)
    for holder, place in ((operation, where), (item, where), (source.document, "servers")):
        servers = items(holder.get("servers"))
        if servers:
            if len(servers) > 1:
                others = ", ".join(str(mapping(one).get("url")) for one in servers[1:])
                source.draft.note(place, f"the first of several servers is taken; the others are {others}")
            return _parsed(source, mapping(servers[0]), place)
    return _parsed(source, {"url": "/"}, "servers")


def _swagger_server(source: OpenApiSource) -> ApiServer:
    host, path = source.document.get("host"), source.document.get("basePath") or "/"
    schemes = items(source.document.get("schemes"))
    scheme = "https" if "https" in schemes or not schemes else str(schemes[0])
    url = f"{scheme}://{host}{path}" if host else str(path)
    return _parsed(source, {"url": url}, "host")


def _parsed(source: OpenApiSource, server: Document, where: str) -> ApiServer:
    variables = mapping(server.get("variables"))
    url = str(server.get("url", "/"))
    if _VARIABLE.search(url):
        url = _VARIABLE.sub(lambda match: str(mapping(variables.get(match[1])).get("default", match[1])), url)
        source.draft.note(where, f"the server's variables have their defaults: {url}")
    return server_of(url, source.draft, where)


def server_of(url: str, draft: ConfigDraft, where: str) -> ApiServer:
    """The server of a URL. One without a host is a placeholder, which is noted."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        draft.note(where, f"says no host to send requests to: {PLACEHOLDER} stands for it")
        return ApiServer(PLACEHOLDER, "/" + parts.path.strip("/"), "backend")
    return ApiServer(f"{parts.scheme}://{parts.netloc}", parts.path or "/", parts.hostname.split(".")[0])


def upstream_of(urls: Sequence[str]) -> dict[str, Any]:
    """An upstream with these servers. A single one gets requests under its own name."""
    settings: dict[str, Any] = {"servers": [{"url": url} for url in urls]}
    host = urlsplit(urls[0]).hostname or ""
    if len(urls) == 1 and urls[0] != PLACEHOLDER and not host.replace(".", "").isdigit() and ":" not in host:
        settings["host_header"] = urlsplit(urls[0]).netloc
    return settings


# Security.


def _schemes(document: Document) -> Mapping[str, Any]:
    components = mapping(document.get("components"))
    return mapping(components.get("securitySchemes") or document.get("securityDefinitions"))


def _described_scopes(schemes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for scheme in schemes.values():
        flows = mapping(mapping(scheme).get("flows"))
        for flow in (mapping(scheme), *map(mapping, flows.values())):
            for name, text in mapping(flow.get("scopes")).items():
                if not str(name).startswith("x-"):
                    yield str(name), str(text)


def _access(source: OpenApiSource, operation: Document, where: str) -> dict[str, Any]:
    """The keys of a route that say who may call it."""
    said = operation.get("security", source.document.get("security"))
    if said is None:
        source.draft.note(where, "says nothing of security: it needs a token; `auth: none` opens it to all")
        return {}
    requirements = [mapping(one) for one in items(said)]
    if not all(requirements):
        if requirements != [{}]:
            source.draft.note(where, "security is optional: it is open to all")
        return {"auth": "none"}
    if not requirements:
        return {"auth": "none"}
    # Tokens are what the gateway is best at.
    taken = next((one for one in requirements if _kinds(source, one) <= _SCOPED), requirements[0])
    if len(requirements) > 1:
        names = " or ".join(" and ".join(one) for one in requirements)
        source.draft.note(where, f"accepts {names}: {' and '.join(taken)} is taken")
    return _required(source, taken, where)


def _kinds(source: OpenApiSource, requirement: Document) -> set[str]:
    return {str(mapping(source.schemes.get(name)).get("type")) for name in requirement}


def _required(source: OpenApiSource, requirement: Document, where: str) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for name, wanted in requirement.items():
        scheme = mapping(source.schemes.get(name))
        kind = str(scheme.get("type", "unknown"))
        # In WSO2 API Manager's documents `default` stands for its own tokens.
        if kind in _SCOPED or (kind == "http" and scheme.get("scheme", "").lower() == "bearer"):
            scopes = [*keys.get("scopes", []), *map(str, items(wanted))]
            keys |= {"scopes": scopes} if scopes else {}
        elif kind == "apiKey" and scheme.get("in") == "header":
            own = {"header": str(scheme.get("name")), "token": False}
            keys["plugins"] = [{"use": "api_key", "with": own}]
        else:
            told = f"{kind} {scheme.get('scheme') or scheme.get('in') or ''}".strip()
            source.draft.note(
                where, f"security {name} ({told}) has no counterpart: a token is needed instead"
            )
    return keys
