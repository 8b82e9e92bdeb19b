"""An OpenAPI document, from the bytes of a file or a response."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import yaml

MAX_BYTES = 1024 * 1024
MOST_NODES = 100_000
"""Values of a document with all its aliases expanded."""
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VERSION = re.compile(r"3\.[01]\.[0-9]{1,3}")
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(_SafeLoader):  # type: ignore[misc]  # either of the two
    """YAML whose dates are text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [item for item in resolvers if item[0] != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

Document = Mapping[str, Any]


class OpenApiError(ValueError):
    """Why it is no document that can be shown."""


def parse_document(data: bytes) -> Document:
    """The document of JSON or YAML text.

    Raises:
        OpenApiError: it is not OpenAPI 3.0 or 3.1, or too large.
    """
    if len(data) > MAX_BYTES:
        raise OpenApiError(f"is larger than {MAX_BYTES} bytes")
    found = _loaded(data)
    version = found.get("openapi") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise OpenApiError("is not a document of OpenAPI 3.0 or 3.1")
    _check_nodes(found)
    _check_paths(found.get("paths", {}))
    for reference in _references(found):
        if not reference.startswith("#/"):
            raise OpenApiError(f"refers to {reference[:100]}: references must be inside the document (#/…)")
        if at(found, reference) is None:
            raise OpenApiError(f"has a reference that leads nowhere: {reference[:100]}")
    return found


def at(document: Document, reference: str) -> Any:
    """What a reference such as #/components/schemas/Order leads to (RFC 6901); None: nowhere."""
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.load(data, _Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise OpenApiError(f"is not YAML or JSON{place}") from None


def _check_nodes(root: Any) -> None:
    count = 0
    for node in _nodes(root):
        count += 1
        if isinstance(node, dict) and not all(isinstance(key, str | int | float | None) for key in node):
            raise OpenApiError("has a key that is not text")
        if not isinstance(node, dict | list | str | int | float | None):
            raise OpenApiError(f"has a value that JSON does not have ({type(node).__name__})")
    if count > MOST_NODES:
        raise OpenApiError(f"has more than {MOST_NODES} values")


def _check_paths(paths: Any) -> None:
    if not isinstance(paths, dict):
        raise OpenApiError("has no mapping under paths")
    for path, item in paths.items():
        if not isinstance(path, str) or not path.startswith("/"):
            raise OpenApiError(f"has a path that does not begin with /: {str(path)[:100]}")
        if not isinstance(item, dict):
            raise OpenApiError(f"has no mapping under paths.{path[:100]}")
        for method in METHODS:
            if not isinstance(item.get(method, {}), dict):
                raise OpenApiError(f"has no mapping under paths.{path[:100]}.{method}")


def _nodes(root: Any) -> Iterator[Any]:
    """Every value, as often as it occurs; a little more than `MOST_NODES` at the most."""
    waiting, seen = [root], 0
    while waiting and seen <= MOST_NODES:
        node = waiting.pop()
        seen += 1
        yield node
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _references(root: Any) -> Iterator[str]:
    for node in _nodes(root):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            yield node["$ref"]
