"""The operations of a document, brought into a form that a page can show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from gateway.apidocs.document import METHODS, Document
from gateway.apidocs.schemas import (
    SchemaLine,
    SchemaReader,
    example_of,
    resolved,
    rules_of,
    schema_lines,
    text_of,
    type_of,
    written,
)

MOST_OPERATIONS = 500
MOST_PARAMETERS = 60
MOST_REPLIES = 20
FORM = "application/x-www-form-urlencoded"
PLACES = ("path", "query", "header", "cookie")
_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    place: str
    """One of `PLACES`."""
    required: bool
    deprecated: bool
    type: str
    text: str
    rules: str
    example: str
    """Empty: the document has none."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body in one media type."""

    media_type: str
    lines: tuple[SchemaLine, ...]
    type: str
    example: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers with one status."""

    status: str
    text: str
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """An operation in a list."""

    name: str
    """Its name in URLs."""
    method: str
    path: str
    """As the document has it."""
    summary: str
    tag: str
    deprecated: bool


@dataclass(frozen=True, slots=True)
class OperationDetails:
    """All of an operation."""

    text: str
    parameters: tuple[Parameter, ...]
    body_required: bool
    bodies: tuple[Content, ...]
    replies: tuple[Reply, ...]


def summaries(document: Document) -> tuple[OperationSummary, ...]:
    """The operations, in the order of the document."""
    found: dict[str, OperationSummary] = {}
    for method, path, operation in _operations(document):
        if len(found) == MOST_OPERATIONS:
            break
        name = _name(method, path)
        while name in found:
            name += "-2"
        tags = operation.get("tags")
        found[name] = OperationSummary(
            name,
            method.upper(),
            path,
            text_of(operation.get("summary"), 200) or text_of(operation.get("operationId"), 200),
            text_of(tags[0], 100) if isinstance(tags, list) and tags else "",
            operation.get("deprecated") is True,
        )
    return tuple(found.values())


def details(document: Document, summary: OperationSummary) -> OperationDetails:
    """What the document says of an operation."""
    reader = SchemaReader(document)
    item = reader.resolved(document["paths"][summary.path])
    operation = reader.resolved(item.get(summary.method.lower()))
    body = reader.resolved(operation.get("requestBody"))
    return OperationDetails(
        text_of(operation.get("description")),
        tuple(_parameters(reader, item, operation)),
        body.get("required") is True,
        _contents(reader, body),
        tuple(_replies(reader, operation)),
    )


def server_path(document: Document) -> str:
    """The path of the document's first server, without a slash at its end."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = first.get("url") if isinstance(first, dict) else None
    try:
        path = urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:
        return ""
    return path.rstrip("/") if path.startswith("/") and "{" not in path else ""


def title_of(document: Document) -> str:
    """`info.title`."""
    return text_of(resolved(document, document.get("info")).get("title"), 200)


def description_of(document: Document) -> str:
    """`info.description`."""
    return text_of(resolved(document, document.get("info")).get("description"))


def version_of(document: Document) -> str:
    """`info.version`."""
    return text_of(resolved(document, document.get("info")).get("version"), 50)


def _operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, node in document.get("paths", {}).items():
        item = resolved(document, node)
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield method, path, item[method]


def _name(method: str, path: str) -> str:
    return f"{method}-{_UNSAFE.sub('-', path.lower()).strip('-')[:80]}".strip("-")


def _parameters(reader: SchemaReader, item: dict[str, Any], operation: dict[str, Any]) -> Iterator[Parameter]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for node in [*_list(item.get("parameters")), *_list(operation.get("parameters"))]:
        one = reader.resolved(node)
        name, place = text_of(one.get("name"), 200), one.get("in")
        if name and place in PLACES:
            found[str(place), name] = one
    for (place, name), one in list(found.items())[:MOST_PARAMETERS]:
        schema = one.get("schema", {})
        yield Parameter(
            name,
            place,
            one.get("required") is True or place == "path",
            one.get("deprecated") is True,
            type_of(reader, schema),
            text_of(one.get("description")),
            rules_of(reader.resolved(schema)),
            _parameter_example(reader, one, schema),
        )


def _parameter_example(reader: SchemaReader, parameter: dict[str, Any], schema: Any) -> str:
    if "example" in parameter:
        return written(parameter["example"])[:200]
    if (named := _first_example(reader, parameter.get("examples"))) is not None:
        return written(named)[:200]
    given = reader.resolved(schema)
    wanted = parameter.get("required") is True or "example" in given or "default" in given
    return written(example_of(reader, schema))[:200] if wanted else ""


def _contents(reader: SchemaReader, node: dict[str, Any]) -> tuple[Content, ...]:
    content = node.get("content")
    some = list(content.items())[:5] if isinstance(content, dict) else []
    return tuple(_content(reader, str(name)[:100], reader.resolved(media)) for name, media in some)


def _content(reader: SchemaReader, media_type: str, media: dict[str, Any]) -> Content:
    schema = media.get("schema", {})
    lines, kind = schema_lines(reader, schema), type_of(reader, schema)
    example = media.get("example", _first_example(reader, media.get("examples")))
    if example is None:
        example = example_of(reader, schema) if schema else ""
    return Content(media_type, lines, kind, _as_sent(media_type, example))


def _as_sent(media_type: str, example: Any) -> str:
    """The example as a body has it."""
    if media_type.partition(";")[0].strip().lower() != FORM or not isinstance(example, dict):
        return written(example)
    pairs = [(name, one) for name, value in example.items() for one in _values(value)]
    return urlencode([(str(name), written(value)) for name, value in pairs])


def _values(value: Any) -> list[Any]:
    # https://spec.openapis.org/oas/v3.1.1: arrays are exploded, unless `encoding` says otherwise.
    return value if isinstance(value, list) else [value]


def _first_example(reader: SchemaReader, examples: Any) -> Any:
    if not isinstance(examples, dict) or not examples:
        return None
    return reader.resolved(next(iter(examples.values()))).get("value")


def _replies(reader: SchemaReader, operation: dict[str, Any]) -> Iterator[Reply]:
    responses = operation.get("responses")
    some = list(responses.items())[:MOST_REPLIES] if isinstance(responses, dict) else []
    for status, node in some:
        one = reader.resolved(node)
        yield Reply(str(status)[:20], text_of(one.get("description")), _contents(reader, one))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
