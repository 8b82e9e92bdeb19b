"""WSO2 API Manager: exports of `apictl` (api.yaml, application.yaml), and OpenAPI with its extensions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from gateway.converters.draft import ALL_METHODS, ConfigDraft, UnknownFormat, grouped, route_path
from gateway.converters.kong_access import hashed
from gateway.converters.openapi import METHODS, ApiServer, items, mapping, server_of, upstream_of

Document = Mapping[str, Any]

TIERS = {
    "Bronze": 1000,
    "Silver": 2000,
    "Gold": 5000,
    "10KPerMin": 10_000,
    "20KPerMin": 20_000,
    "50KPerMin": 50_000,
}
"""The requests a minute of the policies that a new installation has."""
_NO_LIMIT = frozenset({"", "Unlimited", "None"})
_OPEN = frozenset({"None", "none"})
_NOT_REST = frozenset({"SOAP", "GRAPHQL", "WS", "WEBSUB", "SSE", "ASYNC"})


def convert_wso2(document: Document, definition: Document | None = None) -> ConfigDraft:
    """The draft of an API or an application.

    `definition`: the OpenAPI document that lies beside an API, whose descriptions of scopes are taken.

    Raises:
        UnknownFormat: it is none of them.
    """
    if document.get("type") == "application" or "applicationInfo" in document:
        return _application(mapping(document.get("data")) or document)
    if document.get("openapi") or document.get("swagger"):
        return _openapi(document)
    data = mapping(document.get("data")) or document
    if "uriTemplates" in data or isinstance(data.get("id"), Mapping):
        return _api(_of_version_2(data), definition)
    if "context" in data and ("operations" in data or "endpointConfig" in data):
        return _api(data, definition)
    raise UnknownFormat("it is no api.yaml or application.yaml of apictl, and no OpenAPI document")


# APIs.


def _api(data: Document, definition: Document | None) -> ConfigDraft:
    name, version = str(data.get("name")), str(data.get("version", ""))
    draft = ConfigDraft(f"From WSO2 API Manager: {name} {version}")
    if str(data.get("type", "HTTP")).upper() in _NOT_REST:
        draft.note(name, f"is of the type {data.get('type')}: only its HTTP operations are taken over")
    draft.scopes.update(_scopes(data))
    server = _endpoint(_decoded(data.get("endpointConfig")), draft, name)
    upstream = draft.upstream(name, server)
    bases = _bases(data, version)
    draft.plugins += _cors(mapping(data.get("corsConfiguration")))
    operations = [mapping(one) for one in items(data.get("operations"))]
    routes = [_route(operation, base, upstream, draft) for operation in operations for base in bases]
    draft.routes += grouped(one for one in routes if one is not None)
    _policies(data, draft, name)
    _noted(data, draft, name)
    if definition is not None and not draft.routes:
        draft.note(name, "api.yaml has no operations: import its Definitions/swagger.yaml instead")
    return draft


def _bases(data: Document, version: str) -> list[str]:
    """The paths under which the API is called."""
    context = "/" + str(data.get("context", "")).strip("/")
    if "{version}" in context:
        context = context.replace("{version}", version)
    elif version and not context.endswith(f"/{version}"):
        context = f"{context.rstrip('/')}/{version}"
    default = context.removesuffix(f"/{version}") or "/"
    return [context, default] if data.get("isDefaultVersion") and default != context else [context]


def _route(operation: Document, base: str, upstream: str, draft: ConfigDraft) -> dict[str, Any] | None:
    verb, target = str(operation.get("verb", "")).upper(), str(operation.get("target") or "/*")
    where = f"{verb} {base}{target}"
    if verb.lower() not in METHODS:
        draft.note(where, f"{verb} is no method of HTTP: left out")
        return None
    return {
        **_place(base, target, verb, draft, where),
        "upstream": upstream,
        **_keys(operation, draft, where),
        **_rewritten(base, target, draft, where),
    }


def _place(base: str, target: str, verb: str, draft: ConfigDraft, where: str) -> dict[str, Any]:
    """Path and match: `/*` at the end stands for everything below."""
    below = target.endswith("*")
    path = route_path((base.rstrip("/") + "/" + target.strip("/*")).rstrip("/") or "/", draft, where)
    place: dict[str, Any] = {"path": path} if below else {"path": path, "match": "exact"}
    return place | {"methods": [verb]}


def _keys(operation: Document, draft: ConfigDraft, where: str) -> dict[str, Any]:
    if str(operation.get("authType", "Application & Application User")) in _OPEN:
        return {"auth": "none"}
    scopes = [str(one) for one in items(operation.get("scopes"))]
    if len(scopes) > 1:
        draft.note(where, f"one of the scopes {', '.join(scopes)} is enough in WSO2: {scopes[0]} is taken")
    policy = str(operation.get("throttlingPolicy") or "")
    if policy not in _NO_LIMIT:
        draft.note(where, f"has the throttling policy {policy}: see the plugin rate_limit")
    return {"scopes": scopes[:1]} if scopes else {}


def _rewritten(base: str, target: str, draft: ConfigDraft, where: str) -> dict[str, Any]:
    """The path without the API's context, as the backend has it."""
    if target.strip("/") == "*":
        return {}  # the route's path is removed by itself
    ours = str(route_path(base.rstrip("/") + "/" + target.strip("/*"), draft, where))
    own = ours[len(base.rstrip("/")) :] or "/"
    rest = "/{rest...}" if target.endswith("*") else ""
    rewrite = {"path": _lowered(ours.rstrip("/") + rest), "to": _lowered((own.rstrip("/") + rest) or "/")}
    return {"plugins": [{"use": "rewrite", "with": rewrite}]}


def _lowered(template: str) -> str:
    """Names in the plugin's templates are in lower case."""
    parts = template.split("/")
    return "/".join(part.lower().replace("-", "_") if part.startswith("{") else part for part in parts)


def _cors(cors: Document) -> Iterator[dict[str, Any]]:
    origins = [str(one).rstrip("/").lower() for one in items(cors.get("accessControlAllowOrigins"))]
    if not cors.get("corsConfigurationEnabled") or not origins:
        return
    own: dict[str, Any] = {"origins": ["*"] if "*" in origins else origins}
    for ours, theirs in (("methods", "accessControlAllowMethods"), ("headers", "accessControlAllowHeaders")):
        if values := [str(one) for one in items(cors.get(theirs))]:
            own[ours] = values
    if cors.get("accessControlAllowCredentials") and own["origins"] != ["*"]:
        own["credentials"] = True
    yield {"use": "cors", "with": own}


def _scopes(data: Document) -> Iterator[tuple[str, str]]:
    for one in map(mapping, items(data.get("scopes"))):
        scope = mapping(one.get("scope")) or one
        name = scope.get("name") or scope.get("key")
        if name:
            yield str(name), str(scope.get("description") or scope.get("displayName") or "")


# Endpoints.


def _decoded(config: Any) -> Document:
    """Before version 4 the endpoints are JSON in a string."""
    if isinstance(config, str):
        with suppress(ValueError):
            return mapping(json.loads(config))
    return mapping(config)


def _endpoint(config: Document, draft: ConfigDraft, name: str) -> dict[str, Any]:
    kind = str(config.get("endpoint_type", "http"))
    found = config.get("production_endpoints") or config.get("sandbox_endpoints")
    listed = [mapping(one) for one in ([found] if isinstance(found, Mapping) else items(found))]
    urls = [str(one["url"]) for one in listed if one.get("url")]
    if kind == "failover":
        urls += [str(mapping(one).get("url")) for one in items(config.get("production_failovers"))]
        draft.note(name, "fails over: here all its servers share the load, and those that fail get none")
    if config.get("production_endpoints") and config.get("sandbox_endpoints") != config.get(
        "production_endpoints"
    ):
        draft.note(name, "has a sandbox endpoint: give it an own gateway, or an own host")
    if mapping(config.get("endpoint_security")):
        draft.note(name, "shows credentials to its backend: see upstreams.<name>.auth")
    servers = [server_of(url, draft, name) for url in urls] or [server_of("/", draft, name)]
    return upstream_of([_whole(server) for server in servers])


def _whole(server: ApiServer) -> str:
    return server.origin + server.path.rstrip("/")


def _policies(data: Document, draft: ConfigDraft, name: str) -> None:
    for policy in [str(one) for one in items(data.get("policies"))]:
        if policy in TIERS:
            draft.tiers[policy.lower()] = f"{TIERS[policy]} per 1m"
        elif policy not in _NO_LIMIT:
            draft.note(name, f"the policy {policy} is not in the export: add it to `tiers`")
    if draft.tiers:
        draft.note("tiers", "give each client its `tier`, and use the plugin rate_limit by client")
    limit = str(data.get("apiThrottlingPolicy") or "")
    if limit not in _NO_LIMIT:
        draft.note(name, f"has the throttling policy {limit}: see the plugin rate_limit")


def _noted(data: Document, draft: ConfigDraft, name: str) -> None:
    """What an export may have that has no counterpart."""
    if str(data.get("lifeCycleStatus", "PUBLISHED")).upper() not in ("PUBLISHED", "PROTOTYPED"):
        draft.note(name, f"is {data['lifeCycleStatus']}: its routes are active here")
    if data.get("mediationPolicies") or data.get("apiPolicies") or data.get("inSequence"):
        draft.note(name, "mediation has no counterpart: see how-to/write-a-plugin.md")
    if str(data.get("authorizationHeader") or "Authorization") != "Authorization":
        draft.note(name, f"takes tokens from {data['authorizationHeader']}: here it is Authorization")
    if data.get("responseCachingEnabled"):
        draft.note(name, "caches responses: nothing is cached here")
    schemes = {str(one) for one in items(data.get("securityScheme"))}
    for scheme, text in (("api_key", "the plugin api_key"), ("mutualssl", "tokens bound to certificates")):
        if scheme in schemes:
            draft.note(name, f"also accepts {scheme}: see {text}")


def _operations_of_version_2(template: Document) -> Iterator[Document]:
    verbs = (
        template.get("httpVerb")
        or template.get("HTTPVerb")
        or items(template.get("httpVerbs"))
        or ALL_METHODS
    )
    scopes = [mapping(one) for one in (*items(template.get("scopes")), template.get("scope"))]
    names = [scope.get("key") or scope.get("name") for scope in scopes]
    for verb in [verbs] if isinstance(verbs, str) else verbs:
        yield {
            "target": template.get("uriTemplate"),
            "verb": verb,
            "authType": template.get("authType", "Any"),
            "scopes": [name for name in names if name],
            "throttlingPolicy": template.get("throttlingTier"),
        }


def _of_version_2(data: Document) -> Document:
    """An API as versions 2 and 3 export it, in the shape of version 4."""
    identity = mapping(data.get("id"))
    templates = [mapping(one) for one in items(data.get("uriTemplates"))]
    operations = [operation for template in templates for operation in _operations_of_version_2(template)]
    tiers = [mapping(one).get("name") for one in items(data.get("availableTiers"))]
    version = identity.get("version") or identity.get("apiVersion")
    return {
        **data,
        "name": identity.get("apiName") or identity.get("name"),
        "version": version,
        "operations": operations,
        "policies": [tier for tier in tiers if tier],
        "isDefaultVersion": data.get("isDefaultVersion"),
    }


# OpenAPI with extensions.


def _openapi(document: Document) -> ConfigDraft:
    """The operations of a definition, with `x-wso2-basePath`, `x-auth-type`, endpoints and scopes."""
    info = mapping(document.get("info"))
    operations = []
    for path, item in mapping(document.get("paths")).items():
        for method in METHODS:
            operation = mapping(item).get(method)
            if isinstance(operation, Mapping):
                operations.append(_operation(document, str(path), method, operation))
    base = str(document.get("x-wso2-basePath") or "")
    data = {
        "name": info.get("title"),
        "version": "" if base else info.get("version"),
        "context": base or f"/{str(info.get('title', 'api')).lower().replace(' ', '-')}",
        "operations": operations,
        "endpointConfig": _extension_endpoints(document),
        "corsConfiguration": document.get("x-wso2-cors"),
        "authorizationHeader": document.get("x-wso2-auth-header"),
        "apiThrottlingPolicy": document.get("x-throttling-tier") or document.get("x-wso2-throttling-tier"),
        "scopes": [{"name": name, "description": text} for name, text in _definition_scopes(document)],
    }
    draft = _api(data, None)
    if not base:
        draft.note(str(info.get("title")), f"has no x-wso2-basePath: {data['context']} is made up")
    return draft


def _operation(document: Document, path: str, method: str, operation: Document) -> Document:
    wanted = items(operation.get("security", document.get("security")))
    scopes = [str(scope) for one in map(mapping, wanted) for names in one.values() for scope in items(names)]
    named = operation.get("x-scope")
    return {
        "target": path,
        "verb": method.upper(),
        "authType": operation.get("x-auth-type") or document.get("x-auth-type") or "Any",
        "scopes": [*dict.fromkeys([*scopes, *([str(named)] if named else [])])],
        "throttlingPolicy": operation.get("x-throttling-tier") or operation.get("x-wso2-throttling-tier"),
    }


def _extension_endpoints(document: Document) -> Document:
    found: dict[str, Any] = {}
    for kind in ("production", "sandbox"):
        value = document.get(f"x-wso2-{kind}-endpoints")
        if isinstance(value, str):
            name = value.rpartition("/")[2]
            value = next(
                (one[name] for one in map(mapping, items(document.get("x-wso2-endpoints"))) if name in one),
                None,
            )
        urls = [{"url": url} for url in items(mapping(value).get("urls"))]
        if urls:
            found[f"{kind}_endpoints"] = urls
    servers = [{"url": mapping(one).get("url")} for one in items(document.get("servers"))]
    return found or ({"production_endpoints": servers[:1]} if servers else {})


def _definition_scopes(document: Document) -> Iterator[tuple[str, str]]:
    holder = mapping(document.get("components")).get("securitySchemes") or document.get("securityDefinitions")
    for scheme in map(mapping, mapping(holder).values()):
        for flow in (scheme, *map(mapping, mapping(scheme.get("flows")).values())):
            for name, text in mapping(flow.get("scopes")).items():
                yield str(name), str(text)


# Applications.


def _application(data: Document) -> ConfigDraft:
    info = mapping(data.get("applicationInfo")) or data
    name = str(info.get("name"))
    draft = ConfigDraft(f"From WSO2 API Manager: the application {name}")
    keys = [mapping(one) for one in items(info.get("keys")) or items(data.get("keys"))]
    for key in keys:
        if not key.get("consumerKey"):
            continue
        client: dict[str, Any] = {
            "id": str(key["consumerKey"]),
            "name": f"{name} ({key.get('keyType', 'PRODUCTION')})",
        }
        if key.get("consumerSecret"):
            client["secrets"] = [hashed(str(key["consumerSecret"]))]
            draft.clients.append(client)
        else:
            draft.note(name, f"the secret of {key['consumerKey']} is not in the export: it must be replaced")
        grants = {str(one) for one in items(key.get("supportedGrantTypes"))} - {"client_credentials"}
        if grants:
            draft.note(name, f"may use further grants ({', '.join(sorted(grants))}): see `grants`")
    if not draft.clients:
        draft.note(name, "has no keys in the export (apictl export app --with-keys)")
    for one in map(mapping, items(data.get("subscribedAPIs"))):
        api = mapping(one.get("apiId"))
        told = f"{api.get('apiName')} {api.get('version', '')}"
        draft.note(name, f"is subscribed to {told}: give it the scopes of its routes")
    return draft
