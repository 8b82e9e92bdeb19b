"""The APIs of the gateway with what is known of them: read when the configuration is loaded, or fetched."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from gateway.apidocs.document import METHODS, Document, OpenApiError, parse_document
from gateway.apidocs.operations import OperationSummary, server_path, summaries, title_of
from gateway.apidocs.schemas import resolved
from gateway.errors import GatepostError
from gateway.portal.services import Api, PortalInfo

log = logging.getLogger("gatepost")

FRESH = 600.0
"""Seconds for which a fetched document is shown before it is fetched again."""
RETRY = 30.0
"""Seconds until a document that could not be had is asked for again."""
SCHEME = "gatepost"
"""The name of the security scheme in downloaded documents."""
_UNSAFE = re.compile(r"[^a-z0-9]+")
_VARIABLE = re.compile(r"\{[^/{}]*\}")


@dataclass(frozen=True, slots=True)
class DescribedApi:
    """An API as the page APIs lists it."""

    name: str
    """Its name in URLs."""
    api: Api
    title: str
    summary: str
    group: str
    document: Document | None
    url: str = ""
    """Where the document is fetched; empty: there is none, or it is a file's."""

    @property
    def documented(self) -> bool:
        """Whether there is a document."""
        return self.document is not None or bool(self.url)

    def matches(self, wanted: str) -> bool:
        """Whether a search finds it."""
        api = self.api
        words = [self.title, self.summary, self.group, api.path, *api.methods, *api.scopes]
        if self.document is not None:
            words += [f"{one.method} {one.path} {one.summary}" for one in summaries(self.document)]
        return wanted in " ".join(words).lower()


@dataclass(frozen=True, slots=True)
class ServedOperation:
    """An operation that a route of the gateway serves."""

    operation: OperationSummary
    path: str
    """Its path at the gateway."""
    api: Api
    """The route that takes it."""


class ApiDocuments:
    """The APIs of one worker. A document at a URL is fetched when somebody wants to read it."""

    def __init__(
        self, apis: Sequence[DescribedApi], fetch: Callable[[str], Awaitable[bytes]], clock: Any = monotonic
    ) -> None:
        """`fetch` asks public addresses alone. Raises GatepostError."""
        self.apis = tuple(apis)
        self._fetch = fetch
        self._clock = clock
        self._fetched: dict[str, tuple[float, Document | None]] = {}

    async def find(self, name: str) -> DescribedApi | None:
        """The API of this name with its document, as far as it can be had."""
        found = next((one for one in self.apis if one.name == name), None)
        if found is None or not found.url:
            return found
        return replace(found, document=await self._document(found.url))

    async def _document(self, url: str) -> Document | None:
        until, known = self._fetched.get(url, (0.0, None))
        if self._clock() < until:
            return known
        # Whoever asks meanwhile gets what there is.
        self._fetched[url] = (self._clock() + RETRY, known)
        try:
            document = parse_document(await self._fetch(url))
        except (GatepostError, OpenApiError) as error:
            log.warning("the OpenAPI document at %s can't be used: %s", url, error)
            return known
        self._fetched[url] = (self._clock() + FRESH, document)
        return document


def named(apis: Sequence[DescribedApi]) -> tuple[DescribedApi, ...]:
    """The APIs, each with a name of its own, by its path."""
    taken: set[str] = set()
    found = []
    for one in apis:
        name = _UNSAFE.sub("-", one.api.path.lower()).strip("-") or "root"
        while name in taken:
            name += "-2"
        taken.add(name)
        title = one.title or (title_of(one.document) if one.document is not None else "")
        found.append(replace(one, name=name, title=title))
    return tuple(found)


def served_operations(described: DescribedApi, facts: PortalInfo) -> tuple[ServedOperation, ...]:
    """The operations of its document that the gateway's own routes take."""
    document = described.document
    if document is None:
        return ()
    found = []
    for operation in summaries(document):
        path = gateway_path(described.api, document, operation.path)
        api = serving_api(facts.apis, described.api.host, operation.method, path)
        if api is not None:
            found.append(ServedOperation(operation, path, api))
    return tuple(found)


def gateway_path(api: Api, document: Document, path: str) -> str:
    """Where an operation of a route's document is at the gateway.

    A document may have the paths that callers use, or, where the route's path is removed, those that the
    upstream sees.
    """
    full = server_path(document) + path
    for candidate in (full, path):
        if _takes(api, candidate):
            return candidate
    return api.path.rstrip("/") + path.rstrip("/") if api.strips else full


def serving_api(apis: Sequence[Api], host: str | None, method: str, path: str) -> Api | None:
    """The route that takes an operation; None: none does."""
    fit = [
        api
        for api in apis
        if api.host == host and (not api.methods or method in api.methods) and _takes(api, path)
    ]
    return max(fit, key=lambda api: len(_segments(api.path)), default=None)


def _takes(api: Api, path: str) -> bool:
    prefix, segments = _segments(api.path), _segments(path)
    if len(segments) < len(prefix) or (api.exact and len(segments) != len(prefix)):
        return False
    return all(
        one == other or bool(_VARIABLE.fullmatch(one)) for one, other in zip(prefix, segments, strict=False)
    )


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def whole_document(described: DescribedApi, facts: PortalInfo, base: str) -> dict[str, Any]:
    """The document for tools: the gateway's paths, its token endpoint and the scopes that its routes need."""
    document = described.document or {}
    served = served_operations(described, facts)
    scopes = {scope: "" for one in served for scope in one.api.scopes}
    flow = {"tokenUrl": facts.public_url + facts.token_path, "scopes": scopes}
    components = dict(resolved(document, document.get("components")))
    components["securitySchemes"] = {SCHEME: {"type": "oauth2", "flows": {"clientCredentials": flow}}}
    paths: dict[str, Any] = {}
    for one in served:
        item = resolved(document, document["paths"][one.operation.path])
        shared = {key: value for key, value in item.items() if key not in (*METHODS, "servers")}
        method = one.operation.method.lower()
        operation = {key: value for key, value in item[method].items() if key not in ("servers", "security")}
        operation["security"] = [{SCHEME: list(one.api.scopes)}] if one.api.protected else []
        paths.setdefault(one.path, shared)[method] = operation
    kept = {key: value for key, value in document.items() if key not in ("servers", "security")}
    return {**kept, "servers": [{"url": base}], "paths": paths, "components": components}
